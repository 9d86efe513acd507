"""Timed work of evaluation."""

from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.evaluation.operations.own_first import evaluate_own_first
from shared.database import transaction
from shared.messaging.worker import WorkerContext


class OwnResults:
    """The units of what is newly marked, evaluated ahead of the dirty list, which is left as it is."""

    def __init__(self) -> None:
        self._seen = 0

    async def __call__(self, context: WorkerContext) -> bool:
        """One step; what a mark asks for that was committed later than the next one's is left to the dirty list."""
        async with transaction(context.sessions) as session:
            self._seen = await evaluate_own_first(session, after=self._seen, now=context.now())
        return False


async def clear_dirty_list(context: WorkerContext) -> bool:
    """One step: evaluate what the oldest marks name, and say whether there were any."""
    async with transaction(context.sessions) as session:
        return await evaluate_dirty(session, now=context.now()) > 0
