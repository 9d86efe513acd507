"""The worker of goals: takes released scores from feedback and evaluates what changed."""

from datetime import timedelta

from services.goals.evaluation.jobs import OwnResults, clear_dirty_list
from services.goals.measurements.consumers import HANDLERS as MEASUREMENTS
from services.goals.measurements.jobs import take_pending_scores
from services.goals.recalculation.queries import waiting
from services.goals.schema import EVENT_TABLES, Idempotency
from services.goals.settings import GoalsSettings
from shared.database import transaction
from shared.http.idempotency import forget_old_answers
from shared.messaging.restore import Copies
from shared.messaging.wakeups import WRITTEN
from shared.messaging.worker import Loop, Run, Running, WorkerContext, run_worker

HANDLERS = (MEASUREMENTS,)
"""What is done with the events of others, capability by capability."""
FOLLOWS = {"feedback": Copies()}
"""The logs that goals follows. Scores become measurements, which stay whatever happens to the log they came from."""

OWN_RESULTS_FIRST = timedelta(milliseconds=100)
"""What somebody waits for is told and on its way in that time: the totals above would take the processor from it."""


def main(settings: GoalsSettings | None = None, run: Run = run_worker) -> Running:
    """Run until SIGTERM: the sequencer and what else a log needs, the consumer of feedback, and the loops of goals.

    All parts start together and stop together, each after the transaction it is in; none depends on another.
    """
    return run(
        service="goals",
        settings=settings or GoalsSettings(),
        tables=EVENT_TABLES,
        handlers=HANDLERS,
        follows=list(FOLLOWS),
        loops=[
            Loop("own results", timedelta(milliseconds=50), OwnResults(), woken_by=WRITTEN),
            Loop("evaluation", timedelta(milliseconds=250), clear_dirty_list, woken_by=WRITTEN, rest=OWN_RESULTS_FIRST),
            Loop("pending scores", timedelta(seconds=30), take_pending_scores),
            Loop("forget", timedelta(hours=1), _forget_old_answers),
        ],
        waitings=waiting,
    )


async def _forget_old_answers(context: WorkerContext) -> bool:
    async with transaction(context.sessions) as session:
        await forget_old_answers(session, Idempotency, context.now())
    return False
