"""Marking results as out of date, in the transaction that changes an input."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.recalculation.domain import Touched
from services.goals.recalculation.tables import Dirty
from shared.messaging.outbox import Cause
from shared.periods.calendar import Period

_MARK = insert(Dirty)
"""Made once, as each write needs it: making a statement costs more than sending it."""


async def mark_dirty(
    session: AsyncSession,
    *,
    indicator_id: UUID | None = None,
    unit_id: UUID | None = None,
    disaggregation: dict[str, str] | None = None,
    period: Period | None = None,
    cause: Cause | None = None,
) -> None:
    """Have what an input touches computed again; what is left out means "all of them".

    `cause` is the event that told the change, so that the evaluation can name it.
    """
    await mark_all_dirty(session, [Touched(indicator_id, unit_id, disaggregation, period)], cause=cause)


async def mark_all_dirty(session: AsyncSession, touched: Iterable[Touched], *, cause: Cause | None = None) -> None:
    """Mark several at once."""
    rows = [_row(one, cause) for one in touched]
    if rows:
        await session.execute(_MARK, rows)


async def mark_dirty_with_causes(session: AsyncSession, touched: Iterable[tuple[Touched, Cause]]) -> None:
    """Mark several at once, each with the event that told its change."""
    rows = [_row(one, cause) for one, cause in touched]
    if rows:
        await session.execute(_MARK, rows)


def _row(touched: Touched, cause: Cause | None) -> dict[str, object]:
    return {
        "indicator_id": touched.indicator_id,
        "unit_id": touched.unit_id,
        "disaggregation": touched.disaggregation,
        "frequency": touched.period.frequency if touched.period else None,
        "period_start": touched.period.start if touched.period else None,
        "cause_event_id": cause.event_id if cause else None,
        "cause_depth": cause.depth if cause else 0,
        "failures": 0,
    }
