"""`steward serve SERVICE --with-worker`: one process serves and works, and ends in order."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from deploy.local.processes import free_port
from tests.fixtures.databases import Database

_WRITE = """
insert into outbox (event_id, type, subject, subject_version, "time", data)
values (gen_random_uuid(), 'steward.goals.unit.changed.v1', gen_random_uuid(), 1, now(), '{}')
"""


@asynccontextmanager
async def serving(database: Database, **variables: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """The process of goals with its worker, and its port; killed if it is still there at the end."""
    port = free_port()
    environment = {
        "STEWARD_ENV": "local",
        "GOALS_DATABASE_URL": database.url,
        "STEWARD_FEEDS": '{"feedback": "http://127.0.0.1:1"}',
        **variables,
    }
    command = ["-m", "deploy.cli.main", "serve", "goals", "--port", str(port), "--with-worker"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment)
    try:
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answers(port: int) -> None:
    """Wait until it is ready."""
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(300):
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    pytest.fail("It never was ready.")


async def test_it_serves_and_numbers_what_is_written_and_ends_when_asked(
    database: Callable[[str], Awaitable[Database]],
) -> None:
    goals = await database("goals")
    connection = await asyncpg.connect(goals.url)
    async with serving(goals) as (process, port):
        await answers(port)
        await connection.execute(_WRITE)
        for _ in range(200):
            if await connection.fetchval("select position from log_head") == 1:
                break
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 15)
        left = await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
    position = await connection.fetchval("select position from log_head")
    await connection.close()

    # uvicorn ends by the signal itself once everything is closed.
    assert (code, position, left) == (-signal.SIGTERM, 1, 0)


async def test_a_worker_that_cannot_work_ends_the_process(database: Callable[[str], Awaitable[Database]]) -> None:
    async with serving(await database("goals"), STEWARD_EVENTS="carrier-pigeon") as (process, _):
        assert await asyncio.wait_for(process.wait(), 30) != 0
