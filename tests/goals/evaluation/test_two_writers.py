"""Two writers under one parent, all at once: the pooled row equals a recomputation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from decimal import Decimal

import pytest
from sqlmodel import col, func, select

from services.goals.evaluation.domain.affected import Reach
from services.goals.evaluation.operations import evaluating
from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.evaluation.operations.results import Locked
from services.goals.evaluation.queries import ResultSet, inputs_of
from services.goals.evaluation.tables import Result
from services.goals.recalculation.tables import Dirty
from shared.database import SessionFactory, engine_for, sessions_of, transaction
from tests.fixtures.databases import Database
from tests.goals.evaluation.worlds import World, founded, month

ROUNDS = 200
APRIL = month(2018, 4)


@pytest.fixture
async def sessions(database: Callable[[str], Awaitable[Database]]) -> AsyncIterator[SessionFactory]:
    """Sessions whose commits are real to everybody."""
    made = await database("goals")
    engine = engine_for(made.url, schema="goals")
    yield sessions_of(engine)
    await engine.dispose()


@pytest.fixture
async def world(sessions: SessionFactory, now: datetime) -> World:
    """Two organisations of the body, both with a first value; its session is over."""
    async with transaction(sessions) as session:
        world = await founded(session, now)
        await world.unit("a")
        await world.unit("b")
        await world.indicator()
        await world.assign("a", "b")
        await world.record("a", APRIL, "0")
        await world.record("b", APRIL, "0")
        await world.evaluate()
    return world


def at(world: World, session: object) -> World:
    """The same world seen through another session."""
    return World(session, world.now, world.units, world.indicators)  # type: ignore[arg-type]  # whichever session


async def pooled(world: World, sessions: SessionFactory) -> Decimal | None:
    """The parent's value as it is stored."""
    async with transaction(sessions) as session:
        return (await at(world, session).result("nhs", APRIL)).value


async def write(world: World, sessions: SessionFactory, unit: str, value: int) -> None:
    """One writer: a value and its mark, in one transaction."""
    async with transaction(sessions) as session:
        await at(world, session).record(unit, APRIL, str(value))


async def work(world: World, sessions: SessionFactory, stop: asyncio.Event) -> None:
    """One worker: clears the list until it is told to stop."""
    while not stop.is_set():
        async with transaction(sessions) as session:
            taken = await evaluate_dirty(session, now=world.now)
        await asyncio.sleep(0 if taken else 0.002)


async def quiet(sessions: SessionFactory) -> None:
    """Until nothing is on the list, not even taken and uncommitted: such rows are still seen from outside."""
    while True:
        async with transaction(sessions) as session:
            if not (await session.exec(select(func.count(col(Dirty.id))))).one():
                return
        await asyncio.sleep(0.002)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_pooled_row_is_right_after_each_of_200_rounds(world: World, sessions: SessionFactory) -> None:
    stop = asyncio.Event()
    workers = [asyncio.create_task(work(world, sessions, stop)) for _ in range(2)]
    wrong = []
    try:
        for number in range(1, ROUNDS + 1):
            await asyncio.gather(write(world, sessions, "a", number), write(world, sessions, "b", 1000 * number))
            await asyncio.wait_for(quiet(sessions), 30)
            if (found := await pooled(world, sessions)) != 1001 * number:
                wrong.append((number, found))
    finally:
        stop.set()
        await asyncio.gather(*workers)
    assert wrong == []


async def test_the_check_finds_writers_that_recompute_by_themselves(
    world: World, sessions: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_read = asyncio.Barrier(2)

    async def unlocked_reach(session: object, wanted: ResultSet) -> Reach:
        return Reach(APRIL.start, APRIL.start)

    async def unlocked_results(session: object, wanted: ResultSet, units: object) -> dict[object, Locked]:
        query = select(Result.unit_id, Result.id, Result.version, Result.inputs_version)
        return {unit: Locked(*rest) for unit, *rest in (await session.exec(query)).all()}  # type: ignore[attr-defined]  # a session

    async def read_together(session: object, wanted: ResultSet, reach: Reach) -> object:
        inputs = await inputs_of(session, wanted, reach)  # type: ignore[arg-type]  # a session
        await both_have_read.wait()
        return inputs

    monkeypatch.setattr(evaluating, "lock_reach", unlocked_reach)
    monkeypatch.setattr(evaluating, "lock_results", unlocked_results)
    monkeypatch.setattr(evaluating, "inputs_of", read_together)

    async def write_and_recompute(unit: str, value: int) -> None:
        async with transaction(sessions) as session:
            await at(world, session).record(unit, APRIL, str(value))
            await evaluate_dirty(session, now=world.now)

    await asyncio.gather(write_and_recompute("a", 1), write_and_recompute("b", 1000))

    assert await pooled(world, sessions) != 1001
