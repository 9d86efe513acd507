"""Requests that all replicas count together, in a real Redis."""

import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest_asyncio

from deploy.local.processes import Child, Programme, free_port, listens
from shared.http.counting import InRedis
from tests.fixtures.lanes import leave_out


class Redis(NamedTuple):
    """A server of the test's own."""

    child: Child
    url: str


@pytest_asyncio.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    """A Redis that keeps nothing."""
    programme = shutil.which("redis-server")
    if programme is None:
        leave_out("Shared counts need a Redis; on Debian: apt install redis-server")
    port = free_port()
    child = Child(
        Programme(
            name="Redis",
            command=[programme, "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            ready=lambda: listens(port),
            log=tmp_path / "redis.log",
            directory=tmp_path,
        )
    )
    await child.start()
    yield Redis(child, f"redis://127.0.0.1:{port}")
    await child.stop()


@pytest_asyncio.fixture
async def replicas(redis: Redis) -> AsyncIterator[tuple[InRedis, InRedis]]:
    """The counts of two processes; a service keeps its own as long as it lives."""
    both = InRedis(redis.url), InRedis(redis.url)
    yield both
    for each in both:
        await each._storage.bridge.storage.aclose()


async def test_replicas_count_together(replicas: tuple[InRedis, InRedis]) -> None:
    (one, other), now = replicas, time.time()

    assert [await each.add("somebody", 60, now) for each in (one, other, one)] == [1, 2, 3]
    assert await other.add("somebody else", 60, now) == 1
    assert await one.add("somebody", 60, now + 60) == 1


async def test_without_redis_each_counts_for_itself(redis: Redis, replicas: tuple[InRedis, InRedis]) -> None:
    (one, other), now = replicas, time.time()
    assert [await each.add("somebody", 60, now) for each in (one, other)] == [1, 2]
    await redis.child.stop()

    assert [await each.add("somebody", 60, now) for each in (one, one, other)] == [1, 2, 1]
