"""The folder's step, which the worker repeats."""

from datetime import datetime, timedelta

from services.feedback.scores.operations import fold
from services.feedback.scores.queries import surveys_with_work
from shared.database import SessionFactory, transaction
from shared.telemetry import set_traceparent

ANSWERED = "answered"
"""Said when answers are stored."""
GATHER = timedelta(milliseconds=50)
"""How long answers gather before they are folded together: folding each by itself would slow down the taking."""


async def fold_answers(sessions: SessionFactory, *, now: datetime, final_grace: timedelta) -> bool:
    """Fold each survey that has work, in a transaction of its own; says whether there is more at once."""
    # A release belongs to no request: the trace of an answer in it would say which one completed the step.
    set_traceparent(None)
    async with transaction(sessions) as session:
        surveys = await surveys_with_work(session, now=now, final_grace=final_grace)
    more = False
    for survey_id in surveys:
        async with transaction(sessions) as session:
            more |= await fold(session, survey_id, now=now, final_grace=final_grace)
    return more
