"""Who waits for a write: many for one ask the database as often as one of them, and are answered together."""

import asyncio
from contextlib import ExitStack
from time import perf_counter
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from shared.http.awaited import AwaitedWrites
from shared.http.streams import PER_PRINCIPAL, Streams
from shared.messaging.wakeups import APPLIED, Wakeups
from tests.shared.http.conftest import Token

MANY = 200


@pytest.fixture
def awaited() -> AwaitedWrites:
    """Those of a process that hears of nothing."""
    return AwaitedWrites(Wakeups("postgresql://nobody@127.0.0.1:1/none", application="test"), Streams())


async def test_two_hundred_look_as_one_and_are_answered_at_once(
    tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
) -> None:
    mark = f"goals/{uuid4()}/100000"

    async def ask(number: int) -> tuple[int, float]:
        headers = bearer("writer", f"U{number // PER_PRINCIPAL}") | {"Steward-After": mark}
        answer = await client.get("/v1/late?wait=8", headers=headers)
        return answer.status_code, perf_counter()

    waiting = [asyncio.create_task(ask(number)) for number in range(MANY)]
    while len(tiny.state.streams) < MANY:  # noqa: ASYNC110 - nothing says that all have come
        await asyncio.sleep(0.05)
    before, began = tiny.state.asked, perf_counter()
    await asyncio.sleep(1)
    looks, seconds = tiny.state.asked - before, perf_counter() - began
    tiny.state.asked, told = 100_000, perf_counter()
    tiny.state.wakeups.say(APPLIED)
    answers = await asyncio.gather(*waiting)

    assert {status for status, _ in answers} == {200}
    assert 0 < looks <= 20 * seconds + 1
    # With a look of its own for each, the last of them came four seconds later.
    assert max(at for _, at in answers) - told < 3


async def test_of_different_writes_each_is_looked_for_the_less_often_the_more_there_are(
    awaited: AwaitedWrites,
) -> None:
    alone = awaited.pause(0.05)
    with ExitStack() as stack:
        for number in range(MANY):
            stack.enter_context(awaited.awaited(("goals", UUID(int=number), 1), never))

        assert alone == 0.05
        assert MANY / awaited.pause(0.05) == pytest.approx(50)
    await asyncio.wait_for(awaited.ended(), 10)


async def test_a_look_that_fails_is_not_the_last(awaited: AwaitedWrites) -> None:
    failures = [OSError("the database is away")]

    async def applied() -> bool:
        if failures:
            raise failures.pop()
        return True

    with awaited.awaited(("goals", UUID(int=1), 1), applied) as has_arrived:
        await asyncio.wait_for(has_arrived.wait(), 5)


async def test_nobody_looks_for_what_nobody_waits_for_any_more(awaited: AwaitedWrites) -> None:
    asked = SimpleNamespace(times=0)

    async def applied() -> bool:
        asked.times += 1
        return False

    with awaited.awaited(("goals", UUID(int=1), 1), applied):
        await asyncio.sleep(0.2)
    await asyncio.wait_for(awaited.ended(), 5)
    times = asked.times
    await asyncio.sleep(0.2)

    assert asked.times == times > 0


async def test_who_leaves_before_the_first_look_costs_none(awaited: AwaitedWrites) -> None:
    asked = SimpleNamespace(times=0)

    async def applied() -> bool:
        asked.times += 1
        return False

    for _ in range(MANY):
        with awaited.awaited(("goals", UUID(int=1), 1), applied):
            await asyncio.sleep(0)
    await asyncio.wait_for(awaited.ended(), 5)

    assert asked.times == 0


async def never() -> bool:
    return False
