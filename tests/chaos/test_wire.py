"""A connection whose packets vanish: neither side waits for ever for the other."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.places import CHECKOUT, make_enterable
from deploy.local.postgres import Postgres
from deploy.local.processes import Child, free_port
from tests.chaos.wire import Wire, who_may_connect

pytestmark = [pytest.mark.slow]
GONE_AFTER = 15
_WHOEVER_VANISHES = """
import asyncio, sys
from shared.database import pool_for

async def main():
    async with pool_for(sys.argv[1], schema="public") as pool, pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table held")
        print("holds", flush=True)
        await connection.fetchval("select pg_sleep(2)")

asyncio.run(main())
"""


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A wire, where this machine can have one."""
    if missing := Wire.missing():
        pytest.skip(missing)  # also under CI: a right of the machine, and nothing to be installed
    with Wire() as wire:
        yield wire


async def test_whoever_vanishes_loses_his_lock_and_comes_to_know_it(wire: Wire) -> None:
    with tempfile.TemporaryDirectory(prefix="steward-wire-") as name:
        directory = Path(name)
        make_enterable(directory)
        allowed = {"hba_file": str(who_may_connect(directory, wire))}
        server = Postgres(directory / "data" / "postgres", port=free_port(), password="secret", settings=allowed)
        await asyncio.to_thread(server.prepare)
        child = Child(server.programme(directory / "postgres.log"))
        await child.start()
        try:
            await _vanish(wire, server.url)
        finally:
            await child.stop()


async def _vanish(wire: Wire, url: str) -> None:
    here = await asyncpg.connect(url)
    await here.execute("create table held ()")
    command = wire.command([sys.executable, "-c", _WHOEVER_VANISHES, url])
    far = await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert far.stdout
    assert (await far.stdout.readline()).strip() == b"holds"

    wire.cut()
    vanished = time.monotonic()
    await asyncio.wait_for(here.execute("begin; lock table held; commit"), 3 * GONE_AFTER)
    locked_after = time.monotonic() - vanished
    failed = await asyncio.wait_for(far.wait(), 3 * GONE_AFTER)
    known_after = time.monotonic() - vanished

    await here.close()
    assert locked_after < 2 * GONE_AFTER
    assert failed == 1
    assert known_after < 2 * GONE_AFTER
