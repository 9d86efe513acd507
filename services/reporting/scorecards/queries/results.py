"""Every number with its names, in chunks: the export that holds no connection while it is sent."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, false, or_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.queries import has_key, matching, may_see, surveys_feeding, the_body, unit_by_key
from services.reporting.directory.tables import Indicator, Unit
from services.reporting.facts.queries import is_held_back, subjects_held_back
from services.reporting.facts.tables import Result, ResultValue
from services.reporting.scorecards.domain.answers import Cell
from services.reporting.scorecards.domain.asking import ResultFilters
from services.reporting.scorecards.formats.results_csv import ResultRow
from services.reporting.scorecards.queries.choices import chosen_indicators, visible_indicators
from services.reporting.scorecards.queries.parts import (
    Known,
    figure_of,
    known,
    known_indicators,
    notice_of,
    origins,
    state_of_knowledge,
    unit_ref,
)
from shared.database import SessionFactory
from shared.http.auth import UnitScope
from shared.http.scopes import below

RESULTS_PER_CHUNK = 20
"""Series read in one short transaction; each may have some hundred periods."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export whose filters have been understood."""

    filters: ResultFilters
    scope: UnitScope | None
    languages: tuple[str, ...]
    root_id: UUID
    indicator_ids: tuple[UUID, ...] | None
    """None where no indicator was chosen: all that the reader may see."""


async def checked_export(
    session: AsyncSession, filters: ResultFilters, *, languages: Sequence[str] = (), scope: UnitScope | None = None
) -> Export:
    """The export, or the error that its filters deserve, before the first byte is sent."""
    body = await the_body(session)
    for key in (filters.unit, filters.region):
        if key is not None:
            await unit_by_key(session, key)
    indicator_ids = None
    if filters.indicators:
        visible = await visible_indicators(session, scope)
        chosen = await chosen_indicators(session, visible, filters.indicators, filters.level or "")
        indicator_ids = tuple(each.ref.id for each in chosen)
    return Export(filters, scope, (*languages, body.default_language), body.root_unit_id, indicator_ids)


async def stream_results(sessions: SessionFactory, export: Export) -> AsyncIterator[list[ResultRow]]:
    """The rows by indicator, unit and period, in chunks; the transaction that read one is over when it is sent."""
    after: tuple[str, str, UUID] | None = None
    while True:
        async with sessions() as session, session.begin():
            results = await _chunk(session, export, after)
            rows = await _rows(session, export, results)
        if rows:
            yield rows
        if len(results) < RESULTS_PER_CHUNK:
            return
        after = results[-1].place


@dataclass(frozen=True, slots=True)
class _Found:
    result: Result
    unit: Unit
    parent: Unit | None
    indicator: Known

    @property
    def place(self) -> tuple[str, str, UUID]:
        """Where the result stands in the order of the export."""
        return self.indicator.ref.code, self.unit.code, self.result.result_id


async def _chunk(session: AsyncSession, export: Export, after: tuple[str, str, UUID] | None) -> list[_Found]:
    filters, parent = export.filters, aliased(Unit)
    order = (col(Indicator.code), col(Unit.code), col(Result.result_id))
    statement: Any = (
        known_indicators()
        .add_columns(Result, Unit, parent)
        .join(Result, col(Result.indicator_id) == col(Indicator.id))
        .join(Unit, col(Unit.id) == col(Result.unit_id))
        .outerjoin(parent, col(parent.id) == col(Unit.parent_id))
        .where(col(Result.disaggregation) == {}, may_see(export.scope, col(Unit.id)))
        .order_by(*order)
        .limit(RESULTS_PER_CHUNK)
    )
    if export.indicator_ids is not None:
        statement = statement.where(col(Indicator.id).in_(export.indicator_ids))
    if filters.level is not None:
        statement = statement.where(Unit.level == filters.level)
    if filters.unit is not None:
        statement = statement.where(has_key(Unit, filters.unit))
    if filters.region is not None:
        statement = statement.where(col(Unit.id).in_(below(Unit, has_key(Unit, filters.region))))
    if filters.q and filters.q.strip():
        statement = statement.where(matching(filters.q))
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    rows = await session.exec(statement)
    return [_Found(result, unit, above, known(*pair)) for *pair, result, unit, above in rows]


async def _rows(session: AsyncSession, export: Export, results: Sequence[_Found]) -> list[ResultRow]:
    filters = export.filters
    statement: Any = select(ResultValue).where(or_(false(), *(_wanted(each, filters) for each in results)))
    if filters.frequency is not None:
        statement = statement.where(ResultValue.frequency == filters.frequency)
    if filters.status is not None:
        statement = statement.where(ResultValue.status == filters.status)
    if filters.period_from is not None:
        statement = statement.where(ResultValue.period_start >= filters.period_from)
    if filters.period_to is not None:
        statement = statement.where(ResultValue.period_start <= filters.period_to)
    values: dict[UUID, list[ResultValue]] = {}
    for value in await session.exec(
        statement.order_by(ResultValue.result_id, ResultValue.frequency, ResultValue.period_start)
    ):
        values.setdefault(value.result_id, []).append(value)
    units = await origins(session, (value for each in values.values() for value in each))
    surveys = await surveys_feeding(session, list({each.indicator.ref.id for each in results}))
    held_back = await subjects_held_back(session)
    as_of = await state_of_knowledge(session)
    return [
        ResultRow(
            unit=unit_ref(each.unit),
            region=unit_ref(each.parent) if each.parent and each.parent.id != export.root_id else None,
            indicator=each.indicator.ref,
            cell=Cell(
                figure_of(value, each.indicator, units=units, languages=export.languages),
                is_held_back(held_back, each.indicator.ref.id, each.result),
            ),
            notice=notice_of(each.indicator, surveys.get(each.indicator.ref.id, [])),
            as_of=as_of,
        )
        for each in results
        for value in values.get(each.result.result_id, ())
    ]


def _wanted(found: _Found, filters: ResultFilters) -> Any:
    """The condition that a value is of this result, and of the period asked for."""
    of_result = col(ResultValue.result_id) == found.result.result_id
    if filters.period is None:
        return of_result
    own = found.indicator.ref.frequency
    period = filters.period.of(found.indicator.calendar, own)
    if period is None:
        return and_(of_result, col(ResultValue.frequency) == "record")
    return and_(
        of_result,
        col(ResultValue.frequency) == period.frequency,
        col(ResultValue.period_start) == period.start,
    )
