"""The dashboard: many units side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, Subquery, and_, case, cast, exists, false, func, literal, null, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.queries import has_key, matching, overlaps, surveys_feeding, the_body
from services.reporting.directory.tables import Assignment, Body, Unit
from services.reporting.facts.domain import Status
from services.reporting.facts.queries import is_held_back, latest_starts, parts_held_back, subjects_held_back
from services.reporting.facts.tables import Result, ResultValue
from services.reporting.scorecards.domain.answers import (
    STATUSES,
    Cell,
    Column,
    Dashboard,
    DashboardRow,
    ShownPeriod,
    UnitRef,
)
from services.reporting.scorecards.domain.asking import DashboardFilters
from services.reporting.scorecards.queries.choices import (
    chosen_indicators,
    levels,
    regions,
    unit_above,
    visible_indicators,
)
from services.reporting.scorecards.queries.parts import (
    Known,
    empty_figure,
    figure_of,
    notice_of,
    origins,
    shown_period,
    state_of_knowledge,
    unit_ref,
)
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import below, within
from shared.periods.calendar import Frequency, Period

_NO_VALUE = Decimal(10) ** 18
"""Larger than any value: units without one come last whichever way round the list is sorted."""

_LONGEST_SORTING = 100


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A column: an indicator, and the period that its numbers are of."""

    indicator: Known
    frequency: Frequency
    start: date | None
    """None for the whole record, and where nothing has a value yet."""

    @property
    def period(self) -> ShownPeriod | None:
        """The period as readers see it."""
        return None if self.start is None else shown_period(self.indicator.calendar, self.frequency, self.start)

    @property
    def last_day(self) -> date:
        """The last day of the period; far away where there is none."""
        if self.start is None or self.frequency == "record":
            return date.max
        return self.indicator.calendar.last_day(Period(self.start, self.frequency))

    def is_of(self, value: type[ResultValue]) -> ColumnElement[bool]:
        """The condition that a value is of this column's period."""
        of_frequency: ColumnElement[bool] = col(value.frequency) == self.frequency
        if self.frequency == "record":
            return of_frequency
        return and_(of_frequency, col(value.period_start) == (self.start or date.max))


async def dashboard(
    session: AsyncSession,
    filters: DashboardFilters,
    *,
    languages: Sequence[str] = (),
    scope: UnitScope | None = None,
) -> Dashboard:
    """Units of one level with a number per chosen indicator.

    Without a scope the reader is the public and sees indicators of class open only.
    """
    body = await the_body(session)
    spoken = (*languages, body.default_language)
    above = await unit_above(session, filters.region, body)
    visible = await visible_indicators(session, scope)
    indicators = await chosen_indicators(session, visible, filters.indicators, filters.level)
    columns = await _columns(session, indicators, filters, scope)
    surveys = await surveys_feeding(session, [each.ref.id for each in indicators])

    # A reader with rights below some units sees a column that is not open there, and no unit outside beside it.
    secret = any(column.indicator.ref.disclosure_class != "open" for column in columns)
    judged = _judged_units(columns[0] if columns else None, filters, scope=scope, secret=secret)
    rows, following = await _page(session, judged, filters, spoken)
    if above is not None and secret and not await _inside(session, scope, above):
        above = None
    cells = await _cells(session, [unit for unit, _ in rows] + ([above] if above else []), columns, spoken)
    return Dashboard(
        columns=tuple(
            Column(each.indicator.ref, each.period, notice_of(each.indicator, surveys.get(each.indicator.ref.id, [])))
            for each in columns
        ),
        rows=tuple(DashboardRow(unit_ref(unit), _region(parent, body), cells[unit.id]) for unit, parent in rows),
        above=DashboardRow(unit_ref(above), None, cells[above.id]) if above else None,
        counts=await _counts(session, judged),
        regions=await regions(session, filters.level, body.root_unit_id),
        levels=await levels(session),
        indicators=tuple(each.ref for each in visible),
        next=following,
        languages=spoken,
        as_of=await state_of_knowledge(session),
    )


async def _columns(
    session: AsyncSession, indicators: Sequence[Known], filters: DashboardFilters, scope: UnitScope | None
) -> list[_Chosen]:
    if filters.period is None:
        # What is not open is shown of the reader's units only, so the others do not decide which period that is.
        seen = col(ResultValue.result_id).in_(select(Result.result_id).where(within(Unit, scope, col(Result.unit_id))))
        latest = await latest_starts(
            session,
            [
                (each.ref.id, each.ref.frequency, true() if each.ref.disclosure_class == "open" else seen)
                for each in indicators
            ],
        )
        return [_Chosen(each, each.ref.frequency, latest.get(each.ref.id)) for each in indicators]
    columns = []
    for each in indicators:
        asked = filters.period.of(each.calendar, each.ref.frequency)
        columns.append(_Chosen(each, "record", None) if asked is None else _Chosen(each, asked.frequency, asked.start))
    return columns


def _judged_units(
    lead: _Chosen | None, filters: DashboardFilters, *, scope: UnitScope | None, secret: bool
) -> Subquery:
    """The units that pass every filter but that of the status, with value and status of the leading indicator."""
    value: Any = null() if lead is None else col(ResultValue.value)
    status: Any = literal("no_information") if lead is None else _status(lead)
    statement: Any = select(col(Unit.id).label("unit_id"), cast(value, Numeric).label("value"), status.label("status"))
    if lead is not None:
        statement = statement.outerjoin(Result, _headline([lead.indicator.ref.id], col(Unit.id)))
        statement = statement.outerjoin(
            ResultValue, and_(col(ResultValue.result_id) == col(Result.result_id), lead.is_of(ResultValue))
        )
    statement = statement.where(Unit.level == filters.level)
    if secret:
        statement = statement.where(within(Unit, scope, col(Unit.id)))
    if filters.q and filters.q.strip():
        statement = statement.where(matching(filters.q))
    if filters.region is not None:
        statement = statement.where(col(Unit.id).in_(below(Unit, has_key(Unit, filters.region))))
    judged: Subquery = statement.subquery("judged")
    return judged


def _headline(indicator_ids: Sequence[UUID], unit_id: Any) -> ColumnElement[bool]:
    return and_(
        col(Result.unit_id) == unit_id, col(Result.indicator_id).in_(indicator_ids), col(Result.disaggregation) == {}
    )


def _status(lead: _Chosen) -> ColumnElement[str]:
    """The status goals gave; where it gave none, whether something is expected of the unit."""
    expected = exists().where(
        col(Assignment.unit_id) == col(Unit.id),
        col(Assignment.indicator_id) == lead.indicator.ref.id,
        col(Assignment.valid_from) <= lead.last_day,
        func.coalesce(Assignment.valid_to, date.max) >= (lead.start or date.min),
    )
    return func.coalesce(ResultValue.status, case((expected, "no_information"), else_="not_expected"))


async def _page(
    session: AsyncSession, judged: Subquery, filters: DashboardFilters, languages: Sequence[str]
) -> tuple[list[tuple[Unit, Unit | None]], str | None]:
    parent = aliased(Unit)
    statement: Any = (
        select(Unit, parent)
        .join(judged, judged.c.unit_id == Unit.id)
        .outerjoin(parent, col(parent.id) == col(Unit.parent_id))
    )
    if filters.status is not None:
        statement = statement.where(judged.c.status == filters.status)
    names = [col(Unit.sorting)[each].astext for each in languages]
    last = -_NO_VALUE if filters.sort.startswith("-") else _NO_VALUE
    sortable = {
        # Its beginning, since the place where a page ends is part of the next address; the code decides among equals.
        "name": func.left(func.coalesce(*names, func.lower(Unit.code)), _LONGEST_SORTING),
        "code": col(Unit.code),
        "value": func.coalesce(judged.c.value, last),
        "status": case({status: rank for rank, status in enumerate(STATUSES)}, value=judged.c.status, else_=99),
    }
    # The page of all organisations is longer than any list of the API, so the limit is the caller's to check.
    query = PageSettings.model_construct(limit=filters.limit, cursor=filters.cursor, sort=filters.sort)
    rows, following = await page(
        session, statement, query, sortable=sortable, default_sort=[col(Unit.code), col(Unit.id)]
    )
    return [(row[0], row[1]) for row in rows], following


async def _counts(session: AsyncSession, judged: Subquery) -> dict[Status, int]:
    rows = await session.exec(select(judged.c.status, func.count()).group_by(judged.c.status))
    found: dict[Any, int] = dict(rows.all())
    return {status: found.get(status, 0) for status in STATUSES}


async def _inside(session: AsyncSession, scope: UnitScope | None, unit: Unit) -> bool:
    return (await session.exec(select(within(Unit, scope, literal(unit.id))))).one()


def _region(parent: Unit | None, body: Body) -> UnitRef | None:
    return None if parent is None or parent.id == body.root_unit_id else unit_ref(parent)


async def _cells(
    session: AsyncSession, units: Sequence[Unit], columns: Sequence[_Chosen], languages: Sequence[str]
) -> dict[UUID, tuple[Cell, ...]]:
    """A cell per column for each unit, read for all of them at once."""
    unit_ids, indicator_ids = [unit.id for unit in units], [column.indicator.ref.id for column in columns]
    of_column = [
        and_(col(Result.indicator_id) == column.indicator.ref.id, column.is_of(ResultValue)) for column in columns
    ]
    rows = await session.exec(
        select(Result, ResultValue)
        .join(ResultValue, and_(col(ResultValue.result_id) == col(Result.result_id), or_(false(), *of_column)))
        .where(col(Result.unit_id).in_(unit_ids), _headline(indicator_ids, col(Result.unit_id)))
    )
    found = {(result.unit_id, result.indicator_id): (result, value) for result, value in rows}
    assigned: dict[tuple[UUID, UUID], list[Assignment]] = {}
    for assignment in await session.exec(
        select(Assignment).where(col(Assignment.unit_id).in_(unit_ids), col(Assignment.indicator_id).in_(indicator_ids))
    ):
        assigned.setdefault((assignment.unit_id, assignment.indicator_id), []).append(assignment)
    held_back = await subjects_held_back(session)
    parts = await parts_held_back(session, unit_ids, indicator_ids, held_back)
    inherited = await origins(session, (value for _, value in found.values()))

    def cell(unit_id: UUID, column: _Chosen) -> Cell:
        key = (unit_id, column.indicator.ref.id)
        if key not in found:
            expected = any(overlaps(each, column.start or date.min, column.last_day) for each in assigned.get(key, ()))
            empty = empty_figure(column.period, column.indicator, expected=expected, languages=languages)
            return Cell(empty, is_held_back(held_back, column.indicator.ref.id, None))
        result, value = found[key]
        return Cell(
            figure_of(value, column.indicator, units=inherited, languages=languages, parts_held_back=parts.get(key, 0)),
            is_held_back(held_back, column.indicator.ref.id, result),
        )

    return {unit_id: tuple(cell(unit_id, column) for column in columns) for unit_id in unit_ids}
