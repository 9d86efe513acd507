"""Targets over HTTP."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from services.goals.calendars.queries import fiscal_calendars
from services.goals.indicators.queries import indicator_by_key
from services.goals.indicators.tables import Indicator
from services.goals.organisation.queries import unit_by_key
from services.goals.organisation.tables import Unit
from services.goals.permissions import TargetReader, TargetSetter
from services.goals.schema import LogHead
from services.goals.targets import operations, queries
from services.goals.targets.domain import TargetType
from services.goals.targets.tables import Series, Target
from shared.days import Day
from shared.http.idempotency import IdempotentRoute
from shared.http.models import Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import set_written
from shared.ids import Key
from shared.numbers import DecimalText
from shared.periods.calendar import FiscalCalendar, Frequency, Period
from shared.texts import Text

router = APIRouter(prefix="/v1/targets", tags=["targets"], route_class=IdempotentRoute)


class PeriodIn(Strict):
    """A period: its frequency and its first day."""

    frequency: Frequency
    start: Day


class PeriodOut(BaseModel):
    """A period, with what people call it."""

    frequency: Frequency
    start: date
    label: str = Field(examples=["March 2019"])


class TargetIn(Strict):
    """A version of a target. Which parts it has depends on its type."""

    indicator: Key = Field(description="Id or code")
    unit: Key = Field(description="Id or code")
    type: TargetType
    value: DecimalText | None = Field(default=None, description="What is asked for, or the threshold", examples=["95"])
    low: DecimalText | None = Field(default=None, description="Lower bound of a range, inclusive")
    high: DecimalText | None = Field(default=None, description="Upper bound of a range, inclusive")
    baseline: DecimalText | None = Field(default=None, description="Where an increase or decrease starts")
    baseline_period: PeriodIn | None = None
    milestone: Text | None = Field(default=None, description="What shall be done; it is once the value reaches 1")
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="The last day, inclusive")
    applies_below: bool = Field(
        default=False, description="Whether units below that have no target of their own are held against this one"
    )
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)] = Field(
        description="Why it is set, or set anew", examples=["Standard of the NHS Constitution"]
    )

    def as_new(self) -> operations.NewTarget:
        """What the operation takes."""
        period = self.baseline_period
        return operations.NewTarget(
            indicator=self.indicator,
            unit=self.unit,
            type=self.type,
            value=self.value,
            low=self.low,
            high=self.high,
            baseline=self.baseline,
            baseline_period=Period(period.start, period.frequency) if period else None,
            milestone=self.milestone,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            applies_below=self.applies_below,
            reason=self.reason,
        )


class TargetOut(BaseModel):
    """A version of the target of a series; the ones before it stay to be read."""

    id: UUID
    indicator: str
    indicator_id: UUID
    unit: str
    unit_id: UUID
    series_id: UUID
    disaggregation: dict[str, str]
    version: int
    type: TargetType
    value: DecimalText | None
    low: DecimalText | None
    high: DecimalText | None
    baseline: DecimalText | None
    baseline_period: PeriodOut | None
    milestone: Text | None
    valid_from: date
    valid_to: date | None
    applies_below: bool
    reason: str
    set_at: datetime
    set_by: str = Field(description="A reference that names nobody")


class TargetFilters(PageSettings):
    """Which targets are listed."""

    sort: str | None = sorted_by("indicator", "unit", "version")
    indicator: Key | None = None
    unit: Key | None = None


@router.get("", responses=READS)
async def list_targets(
    query: Annotated[TargetFilters, Query()],
    caller: TargetReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[TargetOut]:
    """Every version of the targets of the caller's units."""
    indicator_id = (await indicator_by_key(session, query.indicator)).id if query.indicator else None
    unit_id = (await unit_by_key(session, query.unit, caller.scope)).id if query.unit else None
    rows, following = await queries.list_targets(
        session, query, caller.scope, indicator_id=indicator_id, unit_id=unit_id
    )
    calendars = await fiscal_calendars(session)
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(*row, calendars) for row in rows], next=following)


@router.get("/{target_id}", responses=READS)
async def get_target(target_id: UUID, caller: TargetReader, session: Reading) -> TargetOut:
    """One version of a target of the caller's units."""
    row = await queries.target_by_id(session, target_id, caller.scope)
    return _out(*row, await fiscal_calendars(session))


@router.post("", status_code=201, responses=WRITES)
async def set_target(body: TargetIn, caller: TargetSetter, session: Session, now: Now, response: Response) -> TargetOut:
    """Set the target of a unit, as a further version; it is checked against baseline and direction."""
    target, series = await operations.set_target(
        session, body.as_new(), scope=caller.scope, actor=caller.actor, now=now
    )
    response.headers["Location"] = f"/v1/targets/{target.id}"
    set_written(response, "goals", series.id, series.version)
    row = await queries.target_by_id(session, target.id, caller.scope)
    return _out(*row, await fiscal_calendars(session))


def _out(
    target: Target, series: Series, indicator: Indicator, unit: Unit, calendars: dict[UUID, FiscalCalendar]
) -> TargetOut:
    baseline_period = None
    if target.baseline_frequency is not None and target.baseline_start is not None:
        period = Period(target.baseline_start, target.baseline_frequency)
        label = calendars[indicator.calendar_id].label(period)
        baseline_period = PeriodOut(frequency=period.frequency, start=period.start, label=label)
    return TargetOut.model_validate(
        {
            **target.model_dump(),
            "indicator": indicator.code,
            "indicator_id": indicator.id,
            "unit": unit.code,
            "unit_id": unit.id,
            "disaggregation": series.disaggregation,
            "baseline_period": baseline_period,
        }
    )
