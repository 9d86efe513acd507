"""What somebody has just recorded, evaluated for its own unit before anything above is."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.domain.affected import Asked, Reach
from services.goals.evaluation.domain.evaluating import evaluate
from services.goals.evaluation.operations.results import keep_and_tell, lock_reach, lock_results
from services.goals.evaluation.queries import ResultSet, inputs_of, series_read
from services.goals.recalculation.tables import Dirty
from shared.messaging.outbox import Cause
from shared.telemetry import in_short

FEW = 10
"""So many marks are a person's work; more are an import, whose units cost less when all are evaluated at once."""
_NEW = select(Dirty).where(col(Dirty.id) > bindparam("after")).order_by(col(Dirty.id).desc()).limit(FEW + 1)
log = structlog.get_logger()


async def evaluate_own_first(session: AsyncSession, *, after: int = 0, now: datetime) -> int:
    """Evaluate the units for which a few numbers were recorded, and leave the marks on the dirty list.

    `after` is the newest mark that was seen before, and what comes back the newest now.

    Who records a number waits to see it, and its own unit depends on little; the totals above read all there is of an
    indicator. The marks bring about everything, so this may be left out at any time, and what it has told is then
    found unchanged.
    """
    marks = (await session.exec(_NEW, params={"after": after})).all()
    recorded = [mark for mark in marks if mark.period_start is not None and len(marks) <= FEW]
    for wanted, of_set in groupby(sorted(recorded, key=_order), key=_set):
        try:
            async with session.begin_nested():
                await _evaluate(session, wanted, list(of_set), now=now)
        except Exception as error:
            log.warning("not_evaluated_first", indicator=str(wanted.indicator_id), error=in_short(error))
    return max((mark.id for mark in marks if mark.id is not None), default=after)


async def _evaluate(session: AsyncSession, wanted: ResultSet, marks: Sequence[Dirty], *, now: datetime) -> None:
    reach = await lock_reach(session, wanted)
    asked = _asked(marks)
    if reach is None or not all(_within(periods, reach) for periods in asked.values()):
        return  # a period that is new to all: whoever is silent is missing there, so all are evaluated
    results = await lock_results(session, wanted, asked)
    # A unit that was never evaluated is asked for as a whole, and its targets may hold below.
    own = {unit: periods for unit, periods in asked.items() if results[unit].version}
    if own:
        units = frozenset(own)
        series = await series_read(session, wanted)
        await keep_and_tell(
            session,
            wanted,
            results=results,
            series=series,
            evaluated=evaluate(await inputs_of(session, wanted, reach, units=units), own),
            whole=(),
            cause=_deepest(marks),
            now=now,
        )


def _order(mark: Dirty) -> tuple[UUID, list[tuple[str, str]]]:
    return _set(mark).order


def _set(mark: Dirty) -> ResultSet:
    if mark.indicator_id is None or mark.disaggregation is None:
        raise ValueError("A period is touched of one indicator in one disaggregation.")
    return ResultSet(mark.indicator_id, mark.disaggregation)


def _asked(marks: Sequence[Dirty]) -> Mapping[UUID, Asked]:
    starts: dict[UUID, set[date]] = {}
    for mark in marks:
        if mark.unit_id is not None and mark.period_start is not None:
            starts.setdefault(mark.unit_id, set()).add(mark.period_start)
    return {unit: Asked(frozenset(each)) for unit, each in starts.items()}


def _within(asked: Asked, reach: Reach) -> bool:
    return all(reach.first <= start <= reach.last for start in asked.starts)


def _deepest(marks: Sequence[Dirty]) -> Cause | None:
    caused = [Cause(mark.cause_event_id, mark.cause_depth) for mark in marks if mark.cause_event_id]
    return max(caused, key=lambda cause: cause.depth, default=None)
