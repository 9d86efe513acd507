"""What the probes of a worker say: of a process while it works, while it is stuck, and while its database is away."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import asyncpg
import httpx
import pytest

from deploy.local.processes import free_port
from deploy.postgres.bootstrap import url_of
from shared.messaging import pulse
from shared.messaging.pulse import Pulse
from tests.fixtures.databases import Database


@asynccontextmanager
async def worker(database: Database) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """The process of a worker whose source does not answer, and a client of its port for probes and metrics."""
    port = free_port()
    environment = {
        "STEWARD_ENV": "local",
        "GOALS_DATABASE_URL": database.url,
        "STEWARD_FEEDS": '{"feedback": "http://127.0.0.1:1"}',
        "STEWARD_METRICS_PORT": str(port),
    }
    command = ["-m", "tests.shared.messaging.probed_worker"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(client: httpx.AsyncClient, path: str, status: int) -> str:
    """Ask until the probe answers so, for twenty seconds at most; what it says."""
    for _ in range(200):
        try:
            answer = await client.get(path)
        except httpx.TransportError:
            pass
        else:
            if answer.status_code == status:
                return answer.text
        await asyncio.sleep(0.1)
    pytest.fail(f"{path} has never answered {status}.")


async def use(url: str, *statements: str) -> None:
    """Have the administrator say something to a database of the server."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


class TestAProcess:
    async def test_it_does_not_live_while_its_loop_stands_still(
        self, database: Callable[[str], Awaitable[Database]]
    ) -> None:
        async with worker(await database("goals")) as (process, client):
            assert await until(client, "/livez", 200) == "ok\n"

            process.send_signal(signal.SIGUSR1)

            assert "event loop has not turned" in await until(client, "/livez", 503)
            await until(client, "/livez", 200)

    async def test_without_its_database_or_the_schema_it_needs_it_lives_and_is_not_ready(
        self, database: Callable[[str], Awaitable[Database]]
    ) -> None:
        goals = await database("goals")
        server = url_of(goals.admin_url, "postgres")
        async with worker(goals) as (_, client):
            await until(client, "/readyz", 200)
            await use(
                server,
                f"alter database {goals.name} allow_connections false",
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{goals.name}'",
            )
            assert "database does not answer" in await until(client, "/readyz", 503)
            for _ in range(45):
                assert (await client.get("/livez")).status_code == 200
                await asyncio.sleep(0.1)
            await use(server, f"alter database {goals.name} allow_connections true")
            await until(client, "/readyz", 200)
            await use(goals.admin_url, "update goals.alembic_version set version_num = '0001'")
            assert "The schema is at 0001" in await until(client, "/readyz", 503)


class TestFollowers:
    async def test_one_that_gets_on_is_enough_and_none_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [0.0]
        monkeypatch.setattr(pulse, "time", SimpleNamespace(monotonic=lambda: now[0]))
        signs = Pulse(ready=lambda: asyncio.sleep(0))
        signs.beat("feedback")
        signs.beat("goals")
        now[0] = pulse.STUCK_AFTER - 1
        signs.beat("goals")
        now[0] += 2
        turning = asyncio.create_task(signs.turn())
        await asyncio.sleep(0)
        with_one = signs.livez()
        now[0] += pulse.STUCK_AFTER - 1.5
        turning.cancel()
        turning = asyncio.create_task(signs.turn())
        await asyncio.sleep(0)
        with_none = signs.livez()
        turning.cancel()

        assert with_one is None
        assert with_none is not None
        assert with_none.startswith("No follower")

    async def test_a_database_that_is_silent_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulse, "ANSWER_WITHIN", 0.1)
        signs = Pulse(ready=lambda: asyncio.sleep(60))

        assert "does not answer within" in (await asyncio.to_thread(signs.readyz) or "")
