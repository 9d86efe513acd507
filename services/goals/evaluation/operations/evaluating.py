"""Clearing the dirty list: every result that a touched input reaches is computed again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import delete, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.domain.affected import Reach, Wanted, affected, with_all_above
from services.goals.evaluation.domain.evaluating import evaluate
from services.goals.evaluation.operations.results import (
    Locked,
    keep_and_tell,
    keep_reach,
    lock_reach,
    lock_results,
)
from services.goals.evaluation.operations.setting_aside import pause_after, paused, put_off
from services.goals.evaluation.queries import (
    Outline,
    ResultSet,
    all_result_sets,
    inputs_of,
    outline_of,
    series_read,
)
from services.goals.recalculation.domain import Touched
from services.goals.recalculation.tables import Dirty
from shared.messaging.outbox import Cause
from shared.periods.calendar import Frequency, Period

ROWS_AT_ONCE = 5_000


@dataclass
class _Work:
    """What was touched of one result set, and the deepest of the events that did it."""

    wanted: ResultSet
    touched: list[Touched] = field(default_factory=list)
    cause: Cause | None = None
    failures: int = 0
    """How often in a row it has failed."""


async def evaluate_dirty(session: AsyncSession, *, now: datetime, rows_at_once: int = ROWS_AT_ONCE) -> int:
    """Evaluate what the oldest rows of the dirty list name, and say how many rows that were.

    The rows are deleted by id, exactly those that were taken: a mark that is committed meanwhile stays for the next
    time. Result sets are held in one order and results in the order of their ids, so two workers wait for each other
    and never lock each other out. The inputs are read by statements that begin after the results are held: whatever
    was committed before then is seen, and whoever commits later has a mark of their own on the list.

    A result set that cannot be evaluated is set aside for a while, marked again, and the others go on.
    """
    taken = await _take(session, rows_at_once, now)
    number = len(taken)
    works = await _by_result_set(session, taken)
    waiting = await paused(session, now=now) if works else {}
    for work in works:
        pause = waiting.get(str(work.wanted.order))
        if pause is None:
            try:
                async with session.begin_nested():
                    await _evaluate(session, work, now=now)
            except Exception as error:
                pause = await pause_after(session, work.wanted, error, failures=work.failures + 1, now=now)
        if pause is not None:
            put_off(session, work.wanted, pause, work.cause)
    await session.flush()
    return number


async def _evaluate(session: AsyncSession, work: _Work, *, now: datetime) -> None:
    reached = await lock_reach(session, work.wanted)
    outline = await outline_of(session, work.wanted)
    reach = outline.recorded
    wanted = affected(
        work.touched,
        parents=outline.parents,
        related=_related(outline, work.wanted, reach),
        passing_down=outline.passing_down,
        beyond=reach.beyond(reached) if reach else None,
    )
    if not wanted:
        return
    results = await lock_results(session, work.wanted, wanted)
    series = await series_read(session, work.wanted)
    inputs = await inputs_of(session, work.wanted, reach)
    await keep_and_tell(
        session,
        work.wanted,
        results=results,
        series=series,
        evaluated=evaluate(inputs, _whole_where_new(wanted, results)),
        whole={unit for unit, asked in wanted.items() if asked is None},
        cause=work.cause,
        now=now,
    )
    if reach != reached:
        await keep_reach(session, work.wanted, reach)


def _related(outline: Outline, wanted: ResultSet, reach: Reach | None) -> frozenset[UUID]:
    """The units that have results: all that report or are expected to, and those above.

    Expectations are stated for the headline, and hold as far as anybody reports; a disaggregation has results where it
    has series.
    """
    units = outline.with_series | outline.with_result
    if reach is not None and not wanted.disaggregation:
        units |= outline.assigned
    return frozenset(with_all_above(units, outline.parents))


def _whole_where_new(wanted: Wanted, results: Mapping[UUID, Locked]) -> Wanted:
    return {unit: starts if results[unit].version else None for unit, starts in wanted.items()}


async def _take(session: AsyncSession, limit: int, now: datetime) -> Sequence[Dirty]:
    """Delete the oldest rows that are due and that nobody else is taking, and give them back."""
    due = or_(col(Dirty.not_before).is_(None), col(Dirty.not_before) <= now)
    oldest = select(col(Dirty.id)).where(due).order_by(col(Dirty.id)).limit(limit).with_for_update(skip_locked=True)
    rows = (await session.exec(delete(Dirty).where(col(Dirty.id).in_(oldest)).returning(Dirty))).scalars().all()
    return sorted(rows, key=lambda row: row.id or 0)


async def _by_result_set(session: AsyncSession, rows: Sequence[Dirty]) -> list[_Work]:
    """The rows by result set, in the order in which result sets are locked.

    A row without an indicator touches every one: that is a change of the tree, which is rare.
    """
    works: dict[object, _Work] = {}
    known: dict[object, list[ResultSet]] = {}
    for row in rows:
        if row.indicator_id is not None and row.disaggregation is not None:
            wanted = [ResultSet(row.indicator_id, row.disaggregation)]
        else:
            if row.indicator_id not in known:
                known[row.indicator_id] = await all_result_sets(session, row.indicator_id)
            wanted = known[row.indicator_id]
        period = Period(row.period_start, cast(Frequency, row.frequency)) if row.period_start else None
        touched = Touched(row.indicator_id, row.unit_id, row.disaggregation, period)
        cause = Cause(row.cause_event_id, row.cause_depth) if row.cause_event_id else None
        for one in wanted:
            work = works.setdefault(str(one.order), _Work(one))
            work.touched.append(touched)
            work.failures = max(work.failures, row.failures)
            if cause and (work.cause is None or cause.depth > work.cause.depth):
                work.cause = cause
    return sorted(works.values(), key=lambda work: work.wanted.order)
