"""A folder that dies in the middle of its transaction."""

import asyncio
import json
import os
import signal
import sys
from datetime import datetime, timedelta

import pytest

from services.feedback.scores import operations
from services.feedback.scores.jobs import fold_answers
from shared.database import engine_for, sessions_of
from tests.feedback.samples import responses
from tests.feedback.service import Feedback

STATE = """
select (select count(*) from feedback.scoring_queue) as waiting,
       (select sum(count) from feedback.score_cell) as counted
"""


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def fold_and_die(url: str, now: str, where: str) -> None:
    """What the killed process runs: one step of the folder, dead at the named call."""
    setattr(operations, where, die)
    engine = engine_for(url, schema="feedback")
    await fold_answers(sessions_of(engine), now=datetime.fromisoformat(now), final_grace=timedelta(days=3))


@pytest.mark.parametrize("where", ["tallied", "_add", "_tell"])
async def test_it_loses_nothing_and_doubles_nothing(feedback: Feedback, where: str) -> None:
    code = await feedback.open_survey()
    await feedback.call("POST", f"/v1/surveys/{code}/responses:batch", json={"items": responses(37)})

    for _ in range(2):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, feedback.database.url, feedback.clock.now.isoformat(), where
        )
        assert await child.wait() == -signal.SIGKILL

    (state,) = await feedback.rows(STATE)
    assert (state["waiting"], state["counted"]) == (37, None)

    await feedback.fold()

    (state,) = await feedback.rows(STATE)
    assert (state["waiting"], state["counted"]) == (0, 37)
    assert [json.loads(event["data"])["count"] for event in await feedback.events("score.released")] == [37]


if __name__ == "__main__":
    asyncio.run(fold_and_die(*sys.argv[1:]))
