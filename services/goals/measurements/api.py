"""Measurements over HTTP, one by one and in batches."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.goals.calendars.queries import fiscal_calendars
from services.goals.indicators.domain import ReportedFrequency
from services.goals.indicators.queries import indicator_by_key
from services.goals.indicators.tables import Indicator
from services.goals.measurements.domain import ObsStatus, Reported
from services.goals.measurements.operations import recording as operations
from services.goals.measurements.queries import vintages as queries
from services.goals.measurements.tables import Measurement
from services.goals.organisation.queries import unit_by_key
from services.goals.organisation.tables import Unit
from services.goals.permissions import MeasurementReader, MeasurementRecorder
from services.goals.schema import LogHead
from services.goals.targets.tables import Series
from shared.days import Day
from shared.http.bulk import BulkAnswer, ItemResult
from shared.http.idempotency import IdempotentRoute
from shared.http.items import MOST_ITEMS, EachAlone, items_response, read_items
from shared.http.models import Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import set_written, written
from shared.ids import Key
from shared.numbers import DecimalText
from shared.periods.calendar import FiscalCalendar, Period

router = APIRouter(prefix="/v1", tags=["measurements"], route_class=IdempotentRoute)


class ReportedPeriodIn(Strict):
    """A period: the indicator's frequency, and the first day."""

    frequency: ReportedFrequency
    start: Day


class ReportedPeriodOut(BaseModel):
    """A period, with what people call it."""

    frequency: ReportedFrequency
    start: date
    label: str = Field(examples=["March 2019"])


class MeasurementIn(Strict):
    """A value to be recorded: a decimal, or numerator and denominator of a ratio, or why there is none."""

    indicator: Key = Field(description="Id or code")
    unit: Key = Field(description="Id or code", examples=["RF4"])
    period: ReportedPeriodIn
    value: DecimalText | None = Field(default=None, description="For an indicator that is no ratio")
    numerator: DecimalText | None = Field(default=None, description="For a ratio; its value is computed")
    denominator: DecimalText | None = Field(default=None, description="For a ratio; more than 0")
    obs_status: ObsStatus = Field(
        default="A",
        description="SDMX: A normal, P provisional, E estimated, B break, O missing, M cannot exist (not applicable). "
        "O and M come without a value and with a missing_reason.",
    )
    missing_reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = Field(
        default=None,
        description="A code for why there is no value; where none was reported, evaluations have one of their own: "
        "not_reported, not_expected, not_computable",
        examples=["system_outage"],
    )

    def as_new(self) -> operations.NewMeasurement:
        """What the operation takes."""
        reported = Reported(
            Period(self.period.start, self.period.frequency),
            self.value,
            self.numerator,
            self.denominator,
            self.obs_status,
            self.missing_reason,
        )
        return operations.NewMeasurement(self.indicator, self.unit, reported)


class MeasurementItem(MeasurementIn):
    """The same as an item of a batch."""

    id: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="Your own name for the item; it comes back with the result"
    )


class MeasurementBatch(Strict):
    """Values to be recorded."""

    items: list[Annotated[MeasurementItem, EachAlone]] = Field(min_length=1, max_length=MOST_ITEMS)


class MeasurementOut(BaseModel):
    """One vintage of one period of a series."""

    id: UUID
    indicator: str
    indicator_id: UUID
    unit: str
    unit_id: UUID
    series_id: UUID
    disaggregation: dict[str, str]
    period: ReportedPeriodOut
    vintage: int = Field(description="1 is the first; a correction is the next")
    value: DecimalText | None
    numerator: DecimalText | None
    denominator: DecimalText | None
    obs_status: ObsStatus
    missing_reason: str | None
    source: Literal["reported", "feedback"]
    recorded_at: datetime


class MeasurementFilters(PageSettings):
    """Which measurements are listed."""

    sort: str | None = sorted_by("indicator", "unit", "period", "recorded_at")
    indicator: Key | None = None
    unit: Key | None = None
    period_from: Day | None = Field(default=None, description="Periods that begin on this day or later")
    period_to: Day | None = Field(default=None, description="Periods that begin on this day or earlier")
    vintages: Literal["latest", "all"] = Field(default="latest", description="The newest of each period, or every one")


@router.get("/measurements", responses=READS)
async def list_measurements(
    query: Annotated[MeasurementFilters, Query()],
    caller: MeasurementReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[MeasurementOut]:
    """What was recorded for the caller's units."""
    indicator_id = (await indicator_by_key(session, query.indicator)).id if query.indicator else None
    unit_id = (await unit_by_key(session, query.unit, caller.scope)).id if query.unit else None
    rows, following = await queries.list_measurements(
        session,
        query,
        caller.scope,
        indicator_id=indicator_id,
        unit_id=unit_id,
        period_from=query.period_from,
        period_to=query.period_to,
        newest_only=query.vintages == "latest",
    )
    calendars = await fiscal_calendars(session)
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(*row, calendars[row[2].calendar_id]) for row in rows], next=following)


@router.get("/measurements/{measurement_id}", responses=READS)
async def get_measurement(measurement_id: UUID, caller: MeasurementReader, session: Reading) -> MeasurementOut:
    """One vintage of a series of the caller's units."""
    row, calendar = await queries.measurement_by_id(session, measurement_id, caller.scope)
    return _out(*row, calendar.fiscal())


@router.post("/measurements", status_code=201, responses=WRITES)
async def record_measurement(
    body: MeasurementIn, caller: MeasurementRecorder, session: Session, now: Now, response: Response
) -> MeasurementOut:
    """Record one value; where the period has one already, this is a further vintage, and the earlier ones stay."""
    recorded = await operations.record_measurement(
        session, body.as_new(), scope=caller.scope, actor=caller.actor, now=now
    )
    response.headers["Location"] = f"/v1/measurements/{recorded.measurement_id}"
    set_written(response, "goals", recorded.series_id, recorded.series_version)
    row, calendar = await queries.measurement_by_id(session, recorded.measurement_id, caller.scope)
    return _out(*row, calendar.fiscal())


@router.post("/measurements:batch", status_code=207, response_model=BulkAnswer, responses=WRITES)
async def record_measurements(
    body: MeasurementBatch, caller: MeasurementRecorder, session: Session, now: Now, request: Request
) -> Response:
    """Record up to a thousand values; each item has the status it would have had alone, and harms no other."""
    readable, refused = read_items(request, body.items)
    outcomes = await operations.record_measurements(
        session, [item.as_new() for item in readable.values()], scope=caller.scope, actor=caller.actor, now=now
    )
    return items_response(readable, refused, outcomes, accepted=_result)


def _result(index: int, item: MeasurementItem, outcome: operations.Recorded) -> ItemResult:
    return ItemResult(
        index=index,
        id=item.id or str(outcome.measurement_id),
        status=201,
        written=written("goals", outcome.series_id, outcome.series_version),
        result={"id": str(outcome.measurement_id), "vintage": outcome.vintage},
    )


def _out(
    measurement: Measurement,
    series: Series,
    indicator: Indicator,
    unit: Unit,
    calendar: FiscalCalendar,
) -> MeasurementOut:
    period = Period(measurement.period_start, measurement.frequency)
    return MeasurementOut.model_validate(
        {
            **measurement.model_dump(),
            "indicator": indicator.code,
            "indicator_id": indicator.id,
            "unit": unit.code,
            "unit_id": unit.id,
            "disaggregation": series.disaggregation,
            "period": {"frequency": period.frequency, "start": period.start, "label": calendar.label(period)},
        }
    )
