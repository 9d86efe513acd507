"""Writing responses of concurrent requests under one commit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from services.feedback.responses.errors import NotStored, TooManyAtOnce
from services.feedback.responses.operations.storing import Row, SharedCommit
from shared.ids import new_id, random_id
from tests.feedback.service import Feedback

SURVEY = new_id()


class Door(NamedTuple):
    """What is tried, with one writer so that what comes while it is busy is written together, and its pool."""

    storing: SharedCommit
    pool: Any


@pytest_asyncio.fixture
async def door(own_feedback: Feedback) -> AsyncIterator[Door]:
    async with (
        asyncpg.create_pool(own_feedback.database.url, min_size=1, max_size=4) as pool,
        SharedCommit(pool, writers=1, waiting=50).running() as storing,
    ):
        yield Door(storing, pool)


def row(id_: UUID | None = None, answers: str = '{"overall": "good"}') -> Row:
    return Row(SURVEY, id_ or random_id(), 1, "en", answers, date(2019, 3, 1))


async def held(pool: Any) -> set[UUID]:
    return {each["id"] for each in await pool.fetch("select id from feedback.response")}


class TestSharedCommit:
    async def test_those_that_arrive_together_share_a_commit(self, door: Door) -> None:
        rows = [row() for _ in range(40)]

        stored = await asyncio.gather(*(door.storing.store(each) for each in rows))

        transactions = await door.pool.fetchval("select count(distinct xmin::text) from feedback.response")
        assert all(stored)
        assert await held(door.pool) == {each.id for each in rows}
        assert transactions < 5
        assert await door.pool.fetchval("select count(*) from feedback.scoring_queue") == 40

    async def test_of_equal_ids_one_is_new(self, door: Door) -> None:
        same = random_id()

        stored = await asyncio.gather(*(door.storing.store(row(same)) for _ in range(5)))

        assert sorted(stored) == [False, False, False, False, True]

    async def test_a_row_that_cannot_be_stored_fails_alone(self, door: Door) -> None:
        good = [row() for _ in range(6)]
        bad = row(new_id())  # a version 7 id, which the table refuses

        outcomes = await asyncio.gather(
            *(door.storing.store(each) for each in [*good[:3], bad, *good[3:]]), return_exceptions=True
        )

        assert isinstance(outcomes.pop(3), NotStored)
        assert outcomes == [True] * 6
        assert await held(door.pool) == {each.id for each in good}

    async def test_one_more_than_can_wait_is_refused_at_once(self, door: Door) -> None:
        outcomes = await asyncio.gather(*(door.storing.store(row()) for _ in range(60)), return_exceptions=True)

        refused = [each for each in outcomes if isinstance(each, TooManyAtOnce)]
        assert len(refused) == 10
        assert outcomes.count(True) == 50

    async def test_who_hangs_up_does_not_take_the_others_along(self, door: Door) -> None:
        waiting = [asyncio.ensure_future(door.storing.store(row())) for _ in range(10)]
        await asyncio.sleep(0)
        waiting[4].cancel()

        outcomes = await asyncio.gather(*waiting, return_exceptions=True)

        assert isinstance(outcomes.pop(4), asyncio.CancelledError)
        assert outcomes == [True] * 9

    async def test_two_replicas_with_the_same_ids_do_not_lock_each_other_out(self, door: Door) -> None:
        async with SharedCommit(door.pool, writers=2).running() as other:
            ids = [random_id() for _ in range(40)]

            stored = await asyncio.gather(
                *(door.storing.store(row(each)) for each in ids), *(other.store(row(each)) for each in reversed(ids))
            )

        assert sum(stored) == len(ids)

    async def test_without_the_database_everybody_hears_so(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        async def gone(*_: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(door.storing, "_pool", type("Gone", (), {"fetch": staticmethod(gone)}))

        outcomes = await asyncio.gather(*(door.storing.store(row()) for _ in range(3)), return_exceptions=True)

        assert [type(each) for each in outcomes] == [NotStored] * 3

    async def test_what_nobody_foresaw_is_told_and_the_next_ones_are_stored(
        self, door: Door, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: object) -> None:
            raise asyncpg.InternalClientError

        with monkeypatch.context() as patched:
            patched.setattr(door.storing, "_pool", type("Broken", (), {"fetch": staticmethod(broken)}))
            outcomes = await asyncio.gather(*(door.storing.store(row()) for _ in range(3)), return_exceptions=True)

        assert [type(each) for each in outcomes] == [NotStored] * 3
        assert await door.storing.store(row())
