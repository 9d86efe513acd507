"""Adding and changing indicators."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.queries import body_wide_language, calendar_by_key
from services.goals.indicators.domain import (
    Direction,
    IndicatorChange,
    NewIndicator,
    check_aggregations,
)
from services.goals.indicators.queries import indicator_by_key
from services.goals.indicators.tables import Indicator
from services.goals.recalculation.operations import mark_dirty
from services.goals.schema import Outbox
from shared.contracts import IndicatorChanged, Ratio
from shared.errors import CodeTaken
from shared.http.auth import UnitScope
from shared.http.concurrency import check_version
from shared.ids import new_id
from shared.messaging.outbox import Cause, publish
from shared.texts import check_language, merged

_DECIDES_RESULTS = {"direction", "aggregation_over_time", "aggregation_over_units"}

DirectionFits = Callable[[AsyncSession, UUID, Direction], Awaitable[None]]
"""Raises where something that builds on an indicator contradicts the direction it is to have."""


async def create_indicator(
    session: AsyncSession, new: NewIndicator, *, scope: UnitScope, actor: str | None, now: datetime
) -> Indicator:
    """Add an indicator; nobody is expected to report it until units are assigned."""
    language = await body_wide_language(session, scope)
    calendar = await calendar_by_key(session, new.calendar)
    indicator = Indicator(
        id=new_id(),
        code=new.code,
        name=new.name,
        definition=new.definition,
        notice=new.notice,
        direction=new.direction,
        unit_of_measure=new.unit_of_measure,
        decimals=new.decimals,
        ratio_numerator=new.ratio.numerator if new.ratio else None,
        ratio_denominator=new.ratio.denominator if new.ratio else None,
        ratio_factor=new.ratio.factor if new.ratio else None,
        aggregation_over_time=new.aggregation_over_time,
        aggregation_over_units=new.aggregation_over_units,
        disclosure_class=new.disclosure_class,
        calendar_id=calendar.id,
        frequency=new.frequency,
        version=1,
    )
    _check(indicator, language)
    session.add(indicator)
    try:
        await session.flush()
    except IntegrityError as error:
        raise CodeTaken(f"There is an indicator «{new.code}» already; codes are never used twice.") from error
    _tell(session, indicator, actor=actor, now=now)
    return indicator


async def change_indicator(
    session: AsyncSession,
    key: str,
    change: IndicatorChange,
    *,
    direction_fits: DirectionFits,
    seen: int,
    scope: UnitScope,
    actor: str | None,
    now: datetime,
) -> Indicator:
    """Change the indicator whose version the caller has seen; where that decides results, they are computed anew."""
    language = await body_wide_language(session, scope)
    indicator = await indicator_by_key(session, key, for_update=True)
    check_version(seen, indicator.version)
    if "name" in change:
        indicator.name = merged(indicator.name, change["name"])
    if "definition" in change:
        indicator.definition = merged(indicator.definition, change["definition"])
    if "unit_of_measure" in change:
        indicator.unit_of_measure = merged(indicator.unit_of_measure, change["unit_of_measure"])
    if "notice" in change:
        notice = change["notice"]
        indicator.notice = None if notice is None else merged(indicator.notice, notice) or None
    if "direction" in change:
        await direction_fits(session, indicator.id, change["direction"])
        indicator.direction = change["direction"]
    indicator.decimals = change.get("decimals", indicator.decimals)
    indicator.aggregation_over_time = change.get("aggregation_over_time", indicator.aggregation_over_time)
    indicator.aggregation_over_units = change.get("aggregation_over_units", indicator.aggregation_over_units)
    indicator.disclosure_class = change.get("disclosure_class", indicator.disclosure_class)
    _check(indicator, language)
    indicator.version += 1
    event_id = _tell(session, indicator, actor=actor, now=now)
    if _DECIDES_RESULTS & change.keys():
        await mark_dirty(session, indicator_id=indicator.id, cause=Cause(event_id, 0))
    await session.flush()
    return indicator


def _check(indicator: Indicator, language: str) -> None:
    check_language(
        language,
        name=indicator.name,
        definition=indicator.definition,
        unit_of_measure=indicator.unit_of_measure,
        notice=indicator.notice,
        **{"ratio/numerator": indicator.ratio_numerator, "ratio/denominator": indicator.ratio_denominator},
    )
    check_aggregations(
        indicator.aggregation_over_time,
        indicator.aggregation_over_units,
        is_ratio=indicator.ratio_factor is not None,
    )


def _tell(session: AsyncSession, indicator: Indicator, *, actor: str | None, now: datetime) -> UUID:
    changed = IndicatorChanged(
        indicator_id=indicator.id,
        code=indicator.code,
        name=indicator.name,
        definition=indicator.definition,
        notice=indicator.notice,
        direction=indicator.direction,
        unit_of_measure=indicator.unit_of_measure,
        decimals=indicator.decimals,
        ratio=_ratio(indicator),
        aggregation_over_time=indicator.aggregation_over_time,
        aggregation_over_units=indicator.aggregation_over_units,
        disclosure_class=indicator.disclosure_class,
        calendar_id=indicator.calendar_id,
        frequency=indicator.frequency,
    )
    return publish(
        session, Outbox, changed, subject=indicator.id, subject_version=indicator.version, actor=actor, now=now
    )


def _ratio(indicator: Indicator) -> Ratio | None:
    if indicator.ratio_numerator is None or indicator.ratio_denominator is None or indicator.ratio_factor is None:
        return None
    return Ratio(
        numerator=indicator.ratio_numerator,
        denominator=indicator.ratio_denominator,
        factor=indicator.ratio_factor,
    )
