"""The worker of feedback: follows goals, adds up answers and lets scores out."""

from datetime import timedelta

from services.feedback.directory.consumers import HANDLERS as DIRECTORY
from services.feedback.directory.tables import Body, Indicator, Principal, RoleAssignment, Unit
from services.feedback.schema import EVENT_TABLES, Idempotency
from services.feedback.scores.jobs import ANSWERED, GATHER, fold_answers
from services.feedback.scores.queries import waiting
from services.feedback.settings import FeedbackSettings
from shared.database import transaction
from shared.http.idempotency import forget_old_answers
from shared.messaging.restore import Copies
from shared.messaging.worker import Loop, Run, Running, WorkerContext, run_worker

HANDLERS = (DIRECTORY,)
"""What is done with the events of others, capability by capability."""
FOLLOWS = {"goals": Copies(dropped=(Body, Unit, Indicator), kept=(Principal,), guarding=(RoleAssignment,))}
"""The logs that feedback follows, with what it keeps of each."""


def main(settings: FeedbackSettings | None = None, run: Run = run_worker) -> Running:
    """Run until SIGTERM: the sequencer and what else a log needs, the consumer of goals, and the folder.

    All parts start together and stop together, each after the transaction it is in; none depends on another.
    """
    settings = settings or FeedbackSettings()

    async def fold(context: WorkerContext) -> bool:
        return await fold_answers(context.sessions, now=context.now(), final_grace=settings.final_grace)

    async def forget(context: WorkerContext) -> bool:
        async with transaction(context.sessions) as session:
            await forget_old_answers(session, Idempotency, context.now())
        return False

    return run(
        service="feedback",
        settings=settings,
        tables=EVENT_TABLES,
        handlers=HANDLERS,
        follows=list(FOLLOWS),
        loops=[
            Loop("fold", timedelta(milliseconds=250), fold, woken_by=ANSWERED, rest=GATHER),
            Loop("forget", timedelta(hours=1), forget),
        ],
        waitings=waiting,
    )
