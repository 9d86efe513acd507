"""Connections that do not wait for ever, and do not make others wait."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text

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
