"""Two services on the event path: goals tells, reporting follows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest_asyncio

from shared.database import engine_for, pool_for, sessions_of
from tests.fixtures.databases import Database
from tests.shared.messaging.events import TABLES, Service
from tests.shared.messaging.following import prepare


@pytest_asyncio.fixture
async def service(
    database: Callable[[str], Awaitable[Database]],
) -> AsyncIterator[Callable[[str], Awaitable[Service]]]:
    """`await service("goals")`: a fresh database with sessions and a pool as the login role."""
    async with AsyncExitStack() as stack:

        async def make(name: str) -> Service:
            fresh = await database(name)
            engine = engine_for(fresh.url, schema=name)
            stack.push_async_callback(engine.dispose)
            pool = await stack.enter_async_context(pool_for(fresh.url, schema=name))
            return Service(fresh, TABLES[name], sessions_of(engine), pool)

        yield make


@pytest_asyncio.fixture
async def goals(service: Callable[[str], Awaitable[Service]]) -> Service:
    """The service that tells."""
    return await service("goals")


@pytest_asyncio.fixture
async def read_model(reporting: Service) -> None:
    """The tables into which the handlers of the tests write."""
    await prepare(reporting)


@pytest_asyncio.fixture
async def reporting(service: Callable[[str], Awaitable[Service]]) -> Service:
    """The service that follows."""
    return await service("reporting")
