"""Reading which periods wait for numbers: somebody is expected to report, the period is over, and nothing was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, FromClause, Text, Uuid, and_, cast, func, literal, or_, tuple_
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.queries import fiscal_calendars
from services.goals.indicators.tables import Assignment, Indicator
from services.goals.measurements.tables import Measurement
from services.goals.organisation.tables import Unit
from services.goals.targets.tables import Series
from shared.http.auth import UnitScope
from shared.http.scopes import within
from shared.periods.calendar import FIRST_YEAR, FiscalCalendar, Period

LOOKS_BACK = (timedelta(days=100), timedelta(days=1000))
"""The last months first, which is enough where many units wait, then three years; further back from there."""
_FIRST_DAY = date(FIRST_YEAR, 1, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk through what waits has come to: newest periods first, then by unit, then by frequency."""

    start: date
    unit: str = ""
    frequency: str = ""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A period of a unit, and the names of the indicators that wait for their number in it."""

    unit: str
    unit_name: dict[str, str]
    period: Period
    label: str
    indicators: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A part of what waits, and where the next part begins; None where nothing lies further back."""

    rows: tuple[Awaited, ...]
    following: Place | None


async def awaited_periods(
    session: AsyncSession,
    scope: UnitScope,
    *,
    today: date,
    after: Place | None = None,
    unit: str | None = None,
    indicator: str | None = None,
    limit: int = 50,
) -> Waiting:
    """The periods of the caller's units that wait for a number; `unit` is a part of a code or name."""
    calendars = await fiscal_calendars(session)
    chosen = [within(Unit, scope, col(Unit.id))]
    if unit:
        chosen.append(_named(unit))
    if indicator:
        chosen.append(col(Indicator.code) == indicator)
    place: Place | None = after or Place(today)
    rows: list[Any] = []
    for span in LOOKS_BACK:
        if place is None or len(rows) > limit:
            break
        back_to = max(place.start - span, _FIRST_DAY)
        wanted = _waiting(calendars, place, back_to, today, chosen).limit(limit + 1 - len(rows))
        rows += (await session.execute(wanted)).all()
        earlier = _assigned(select(Assignment.id)).where(col(Assignment.valid_from) <= back_to, *chosen).limit(1)
        goes_on = back_to > _FIRST_DAY and (await session.exec(earlier)).first() is not None
        place = Place(back_to) if goes_on else None
    shown = tuple(_awaited(row, calendars) for row in rows[:limit])
    if len(rows) > limit:
        place = Place(shown[-1].period.start, shown[-1].unit, shown[-1].period.frequency)
    return Waiting(shown, place)


def _awaited(row: Any, calendars: Mapping[UUID, FiscalCalendar]) -> Awaited:
    period = Period(row.start, row.frequency)
    return Awaited(row.unit, row.unit_name, period, calendars[row.calendar].label(period), tuple(row.names))


async def awaited_indicators(session: AsyncSession, scope: UnitScope) -> Sequence[tuple[str, dict[str, str]]]:
    """Code and name of each indicator that some unit of the caller's is, or was, to report."""
    query = _assigned(select(Indicator.code, Indicator.name)).where(within(Unit, scope, col(Unit.id))).distinct()
    rows: Sequence[tuple[str, dict[str, str]]] = (await session.exec(query.order_by(col(Indicator.code)))).all()
    return rows


def _waiting(
    calendars: Mapping[UUID, FiscalCalendar],
    place: Place,
    back_to: date,
    today: date,
    chosen: list[ColumnElement[bool]],
) -> Any:
    period = _periods(calendars, back_to, place.start, today)
    said = (
        select(Measurement.id)
        .join(Series, col(Series.id) == col(Measurement.series_id))
        .where(
            col(Series.indicator_id) == col(Assignment.indicator_id),
            col(Series.unit_id) == col(Assignment.unit_id),
            col(Series.disaggregation) == {},
            col(Measurement.frequency) == period.c.frequency,
            col(Measurement.period_start) == period.c.start,
        )
    )
    columns: tuple[Any, ...] = (
        period.c.start,
        period.c.frequency,
        func.min(cast(period.c.calendar, Text)).cast(Uuid).label("calendar"),
        col(Unit.code).label("unit"),
        col(Unit.name).label("unit_name"),
        func.jsonb_agg(col(Indicator.name)).label("names"),
    )
    return (
        _assigned(select(*columns))
        .join(
            period,
            and_(
                period.c.calendar == col(Indicator.calendar_id),
                period.c.frequency == col(Indicator.frequency),
                *_overlaps(Assignment, period),
                *_overlaps(Unit, period),
            ),
        )
        .where(
            *chosen,
            ~said.exists(),
            or_(
                period.c.start < place.start,
                and_(
                    period.c.start == place.start,
                    tuple_(col(Unit.code), period.c.frequency) > tuple_(literal(place.unit), literal(place.frequency)),
                ),
            ),
        )
        .group_by(period.c.start, period.c.frequency, col(Unit.code), col(Unit.name))
        .order_by(period.c.start.desc(), col(Unit.code), period.c.frequency)
    )


def _assigned(query: Any) -> Any:
    return (
        query.select_from(Assignment)
        .join(Unit, col(Unit.id) == col(Assignment.unit_id))
        .join(Indicator, col(Indicator.id) == col(Assignment.indicator_id))
    )


def _overlaps(table: Any, period: FromClause) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        col(table.valid_from) <= period.c.last,
        or_(col(table.valid_to).is_(None), col(table.valid_to) >= period.c.start),
    )


def _named(part: str) -> ColumnElement[bool]:
    names = cast(func.jsonb_path_query_array(col(Unit.name), cast("$.*", JSONPATH)), Text)
    return or_(col(Unit.code).icontains(part, autoescape=True), names.icontains(part, autoescape=True))


def _periods(calendars: Mapping[UUID, FiscalCalendar], back_to: date, until: date, today: date) -> FromClause:
    """The periods of every calendar that begin after a day, until another, and are over today."""
    rows = [
        (identifier, frequency, period.start, last)
        for identifier, calendar in calendars.items()
        for frequency in ("month", "quarter", "year")
        for period in calendar.every(calendar.containing(back_to, frequency), calendar.containing(until, frequency))
        if back_to < period.start <= until and (last := calendar.last_day(period)) < today
    ]
    columns: Any = func.unnest(
        literal([row[0] for row in rows], ARRAY(Uuid)),
        literal([row[1] for row in rows], ARRAY(Text)),
        literal([row[2] for row in rows], ARRAY(Date)),
        literal([row[3] for row in rows], ARRAY(Date)),
    )
    table: FromClause = columns.table_valued("calendar", "frequency", "start", "last", name="period").render_derived()
    return table
