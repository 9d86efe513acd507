"""Timed work of measurements."""

from services.goals.measurements.operations.scores import take_pending_scores as take
from shared.database import transaction
from shared.messaging.worker import WorkerContext


async def take_pending_scores(context: WorkerContext) -> bool:
    """One step: take releases whose day is over, and say whether there may be more."""
    async with transaction(context.sessions) as session:
        return await take(session, now=context.now())
