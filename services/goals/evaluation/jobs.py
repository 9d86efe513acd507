"""Timed work of evaluation."""

from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.evaluation.operations.own_first import evaluate_own_first
from shared.database import transaction
from shared.messaging.worker import WorkerContext


async def clear_dirty_list(context: WorkerContext) -> bool:
    """One step: evaluate what the oldest marks name, their own units first, and say whether there were any."""
    async with transaction(context.sessions) as session:
        await evaluate_own_first(session, now=context.now())
    async with transaction(context.sessions) as session:
        return await evaluate_dirty(session, now=context.now()) > 0
