"""Connections that do not wait for ever, and do not make others wait."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import database as module
from shared.database import engine_for, pool_for
from tests.fixtures.databases import Database

_SHOWN = "select current_setting('idle_in_transaction_session_timeout'), current_setting('tcp_user_timeout')"


async def test_a_pool_lets_go_of_its_locks_seconds_after_whoever_held_them_has_stopped(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    goals = await database("goals")

    async with pool_for(goals.url, schema="goals", size=1) as pool:
        (shown,) = await pool.fetch(_SHOWN)

    assert tuple(shown) == ("10s", "15000")


async def test_an_engine_gives_whoever_computes_between_two_statements_a_minute(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    goals = await database("goals")
    engine = engine_for(goals.url, schema="goals", pool_size=1)

    async with engine.connect() as connection:
        shown = (await connection.execute(text(_SHOWN))).one()
    await engine.dispose()

    assert tuple(shown) == ("1min", "15000")


async def test_an_engine_lends_no_connection_that_the_server_has_ended(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    goals = await database("goals")
    engine = engine_for(goals.url, schema="goals", pool_size=1)
    ended = await _process(engine)
    administrator = await asyncpg.connect(goals.url)

    await administrator.fetch("select pg_terminate_backend($1, 5000)", ended)

    assert await _process(engine) != ended
    await administrator.close()
    await engine.dispose()


async def test_an_engine_lends_no_connection_that_does_not_answer(
    database: Callable[[str], Awaitable[Database]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ASKED_AFTER", 0.0)
    goals = await database("goals")
    engine = engine_for(goals.url, schema="goals", pool_size=1)
    silent = await _process(engine)

    def no_answer(_: object) -> None:
        raise engine.dialect.loaded_dbapi.OperationalError("no answer", None)

    monkeypatch.setattr(engine.dialect, "do_ping", no_answer)

    assert await _process(engine) != silent
    await engine.dispose()


@pytest.mark.parametrize(("asked_after", "pings"), [(60.0, 0), (0.0, 1)])
async def test_an_engine_asks_a_connection_that_lay_idle_whether_it_lives_and_no_other(
    database: Callable[[str], Awaitable[Database]], monkeypatch: pytest.MonkeyPatch, asked_after: float, pings: int
) -> None:
    monkeypatch.setattr(module, "ASKED_AFTER", asked_after)
    goals = await database("goals")
    engine = engine_for(goals.url, schema="goals", pool_size=1)
    asked: list[object] = []
    monkeypatch.setattr(engine.dialect, "do_ping", asked.append)

    first, second = await _process(engine), await _process(engine)

    assert first == second
    assert len(asked) == pings
    await engine.dispose()


async def _process(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("select pg_backend_pid()"))).scalar_one())
