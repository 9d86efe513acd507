"""Reading what a unit is asked for in one period, and what stands there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.tables import Calendar
from services.goals.indicators.domain import Span
from services.goals.indicators.tables import Assignment, Indicator
from services.goals.measurements.tables import Measurement
from services.goals.organisation.queries import unit_by_key
from services.goals.organisation.tables import Unit
from services.goals.targets.tables import Series
from shared.http.auth import UnitScope
from shared.periods.calendar import FiscalCalendar, NotAPeriod, Period


@dataclass(frozen=True, slots=True)
class AskedNumber:
    """An indicator that a unit is asked for, and the vintage of its number that stands."""

    indicator: Indicator
    standing: Measurement | None

    @property
    def vintage(self) -> int:
        """Which vintage stands; 0 where nothing was said yet."""
        return self.standing.vintage if self.standing else 0


@dataclass(frozen=True, slots=True)
class AskedPeriod:
    """A period of a unit, with every indicator that it is asked for, or that something was said of."""

    unit: Unit
    period: Period
    label: str
    has_begun: bool
    numbers: tuple[AskedNumber, ...]


async def asked_period(
    session: AsyncSession, unit_key: str, period: Period, scope: UnitScope, *, today: date
) -> AskedPeriod:
    """What one of the caller's units is asked for in a period; nothing where no indicator has such a period."""
    unit = await unit_by_key(session, unit_key, scope)
    standing = await standing_numbers(session, unit.id, period)
    query = (
        select(Indicator, Calendar, Assignment)
        .join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))
        .outerjoin(
            Assignment, and_(col(Assignment.indicator_id) == col(Indicator.id), col(Assignment.unit_id) == unit.id)
        )
        .where(
            col(Indicator.frequency) == period.frequency,
            or_(col(Assignment.id).is_not(None), col(Indicator.id).in_(standing)),
        )
        .order_by(col(Indicator.code))
    )
    asked: dict[UUID, AskedNumber] = {}
    label = f"{period.start:%B %Y}"
    rows: Any = (await session.exec(query)).all()
    for indicator, calendar, assignment in rows:
        fiscal = calendar.fiscal()
        if indicator.id in standing or _expects(fiscal, period, Span(assignment.valid_from, assignment.valid_to)):
            asked[indicator.id] = AskedNumber(indicator, standing.get(indicator.id))
            label = fiscal.label(period)
    return AskedPeriod(unit, period, label, period.start <= today, tuple(asked.values()))


def _expects(calendar: FiscalCalendar, period: Period, span: Span) -> bool:
    try:
        calendar.checked(period)
    except NotAPeriod:
        return False
    return span.overlaps(Span(period.start, calendar.last_day(period)))


async def standing_numbers(
    session: AsyncSession, unit_id: UUID, period: Period, indicator_ids: Collection[UUID] | None = None
) -> dict[UUID, Measurement]:
    """The newest vintage of each indicator of a unit in a period, by indicator."""
    query = (
        select(col(Series.indicator_id), Measurement)
        .join(Series, col(Series.id) == col(Measurement.series_id))
        .where(
            col(Series.unit_id) == unit_id,
            col(Series.disaggregation) == {},
            col(Measurement.frequency) == period.frequency,
            col(Measurement.period_start) == period.start,
        )
    )
    if indicator_ids is not None:
        query = query.where(col(Series.indicator_id).in_(indicator_ids))
    newest: Any = query.ext(distinct_on(col(Series.indicator_id))).order_by(
        col(Series.indicator_id), col(Measurement.vintage).desc()
    )
    return dict((await session.exec(newest)).all())
