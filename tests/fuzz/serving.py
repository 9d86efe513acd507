"""A service with a small body behind a real socket, for programmes that ask it over HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import httpx
import uvicorn

from shared.settings import RouteClass
from tests.architecture.access import feedback, goals, reporting
from tests.architecture.access.walking import Service, Walk
from tests.fixtures.databases import Templates
from tests.fixtures.services import SignsTokens, service_on

_BODIES: Mapping[str, tuple[str, Callable[[Service], Coroutine[None, None, Walk]]]] = {
    "goals": (goals.ROOT, goals.walk_through),
    "feedback": (feedback.BODY, feedback.walk_through),
    "reporting": (reporting.BODY, reporting.walk_through),
}


@asynccontextmanager
async def served(service: str, templates: Templates, sign: SignsTokens, issuer_directory: Path) -> AsyncIterator[str]:
    """The address of a service on a database of its own, in a body with units, and things that belong to them."""
    body, furnish = _BODIES[service]
    database = await templates.clone(service)
    app = service_on(database, issuer_directory, body=body, rates=dict.fromkeys(get_args(RouteClass), "unlimited"))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    running = asyncio.create_task(server.serve([listening]))
    address = "http://{}:{}".format(*listening.getsockname())
    try:
        async with httpx.AsyncClient(base_url=address) as client:
            await furnish(Service(app, client, sign))
        yield address
    finally:
        server.should_exit = True
        await running
        await templates.drop(database.name)
