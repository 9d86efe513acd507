"""Indicators over HTTP."""

from decimal import Decimal
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.goals.indicators import queries
from services.goals.indicators.domain import (
    Aggregation,
    Direction,
    DisclosureClass,
    IndicatorChange,
    NewIndicator,
    Ratio,
    ReportedFrequency,
)
from services.goals.indicators.operations import indicators as operations
from services.goals.indicators.tables import Indicator
from services.goals.permissions import IndicatorReader, IndicatorWriter
from services.goals.schema import LogHead
from shared.decimals import POSITIVE_PATTERN
from shared.http.concurrency import IfMatch, set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.models import ABSENT, Change, Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import CHANGES, READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import tell_version
from shared.ids import Code, Key
from shared.numbers import DecimalText
from shared.texts import Text, TextPatch

router = APIRouter(prefix="/v1/indicators", tags=["indicators"], route_class=IdempotentRoute)

Decimals = Annotated[int, Field(ge=0, le=12, description="How many decimals are shown", examples=[2])]


class RatioIn(Strict):
    """How a percentage or rate is made: numerator / denominator × factor."""

    numerator: Text
    denominator: Text
    factor: Annotated[DecimalText, Field(gt=0, json_schema_extra={"pattern": POSITIVE_PATTERN})] = Field(
        default=Decimal(100),
        description="100 for a percentage, 1000 or 100000 for a rate, 1 for a mean",
    )


class RatioOut(BaseModel):
    """How a percentage or rate is made: numerator / denominator × factor."""

    numerator: Text
    denominator: Text
    factor: DecimalText


class IndicatorIn(Strict):
    """An indicator to be added."""

    code: Code
    name: Text
    definition: Text = Field(description="What exactly is counted")
    notice: Text | None = Field(default=None, description="Shown wherever the number is")
    direction: Direction = Field(description="Which way is better")
    unit_of_measure: Text = Field(examples=[{"en": "%"}])
    decimals: Decimals = 2
    ratio: RatioIn | None = Field(default=None, description="Left out for a number that is no ratio")
    aggregation_over_time: Aggregation = Field(description="How a year is made of months")
    aggregation_over_units: Aggregation = Field(description="How a unit is made of those below")
    disclosure_class: DisclosureClass = Field(description="Class open is public at once; no other is")
    calendar: Key = Field(default="main", description="Id or code of the fiscal calendar")
    frequency: ReportedFrequency = Field(description="How often it is reported")

    def as_new(self) -> NewIndicator:
        """What the operation takes."""
        ratio = self.ratio
        return NewIndicator(
            code=self.code,
            name=self.name,
            definition=self.definition,
            notice=self.notice,
            direction=self.direction,
            unit_of_measure=self.unit_of_measure,
            decimals=self.decimals,
            ratio=Ratio(ratio.numerator, ratio.denominator, ratio.factor) if ratio else None,
            aggregation_over_time=self.aggregation_over_time,
            aggregation_over_units=self.aggregation_over_units,
            disclosure_class=self.disclosure_class,
            calendar=self.calendar,
            frequency=self.frequency,
        )


class IndicatorPatch(Change):
    """A change of an indicator. Code, ratio, calendar and frequency stay: recorded values were made by them."""

    name: TextPatch = ABSENT
    definition: TextPatch = ABSENT
    notice: TextPatch | None = None
    direction: Direction = ABSENT
    unit_of_measure: TextPatch = ABSENT
    decimals: Decimals = ABSENT
    aggregation_over_time: Aggregation = ABSENT
    aggregation_over_units: Aggregation = ABSENT
    disclosure_class: DisclosureClass = ABSENT


class IndicatorOut(BaseModel):
    """What is measured."""

    id: UUID
    code: str
    name: Text
    definition: Text
    notice: Text | None
    direction: Direction
    unit_of_measure: Text
    decimals: int
    ratio: RatioOut | None
    aggregation_over_time: Aggregation
    aggregation_over_units: Aggregation
    disclosure_class: DisclosureClass
    calendar: str
    calendar_id: UUID
    frequency: ReportedFrequency
    version: int


class IndicatorFilters(PageSettings):
    """Which indicators are listed."""

    sort: str | None = sorted_by("code")
    disclosure_class: DisclosureClass | None = None


@router.get("", responses=READS)
async def list_indicators(
    query: Annotated[IndicatorFilters, Query()],
    _: IndicatorReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[IndicatorOut]:
    """Every indicator, by code."""
    rows, following = await queries.list_indicators(session, query, disclosure_class=query.disclosure_class)
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(indicator, calendar) for indicator, calendar in rows], next=following)


@router.post("", status_code=201, responses=WRITES)
async def create_indicator(
    body: IndicatorIn, caller: IndicatorWriter, session: Session, now: Now, response: Response
) -> IndicatorOut:
    """Add an indicator; needs a role for the whole body."""
    indicator = await operations.create_indicator(
        session, body.as_new(), scope=caller.scope, actor=caller.actor, now=now
    )
    response.headers["Location"] = f"/v1/indicators/{indicator.code}"
    tell_version(response, "goals", indicator.id, indicator.version)
    return _out(indicator, await queries.calendar_code(session, indicator))


@router.get("/{key}", responses=READS)
async def get_indicator(key: Key, _: IndicatorReader, session: Reading, response: Response) -> IndicatorOut:
    """One indicator, by id or code."""
    indicator = await queries.indicator_by_key(session, key)
    set_etag(response, indicator.version)
    return _out(indicator, await queries.calendar_code(session, indicator))


async def _direction_fits(request: Request) -> operations.DirectionFits:
    return cast("operations.DirectionFits", request.app.state.direction_fits)


@router.patch("/{key}", responses=CHANGES)
async def change_indicator(
    key: Key,
    body: IndicatorPatch,
    caller: IndicatorWriter,
    seen: IfMatch,
    direction_fits: Annotated[operations.DirectionFits, Depends(_direction_fits)],
    session: Session,
    now: Now,
    response: Response,
) -> IndicatorOut:
    """Change what an indicator is called, how it adds up or who may see it; needs a role for the whole body."""
    indicator = await operations.change_indicator(
        session,
        key,
        cast("IndicatorChange", body.given()),
        direction_fits=direction_fits,
        seen=seen,
        scope=caller.scope,
        actor=caller.actor,
        now=now,
    )
    tell_version(response, "goals", indicator.id, indicator.version)
    return _out(indicator, await queries.calendar_code(session, indicator))


def _out(indicator: Indicator, calendar: str) -> IndicatorOut:
    ratio = None
    if indicator.ratio_factor is not None:
        ratio = {
            "numerator": indicator.ratio_numerator,
            "denominator": indicator.ratio_denominator,
            "factor": indicator.ratio_factor,
        }
    return IndicatorOut.model_validate({**indicator.model_dump(), "ratio": ratio, "calendar": calendar})
