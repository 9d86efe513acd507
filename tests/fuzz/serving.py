"""A service with a small body, served as `steward serve` serves it, for programmes that ask it over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import get_args

import httpx

from shared.http.serving import server_of
from shared.settings import RouteClass
from tests.architecture.access import feedback, goals, reporting
from tests.architecture.access.walking import ADMINISTRATOR, Service, Walk
from tests.fixtures.databases import Templates
from tests.fixtures.services import SignsTokens, service_on
from tests.fixtures.serving import listening

_BODIES: Mapping[str, tuple[str, Callable[[Service], Coroutine[None, None, Walk]]]] = {
    "goals": (goals.ROOT, goals.walk_through),
    "feedback": (feedback.BODY, feedback.walk_through),
    "reporting": (reporting.BODY, reporting.walk_through),
}


@dataclass(frozen=True, slots=True)
class Served:
    """Where a service is, and the tokens of those who ask it; nobody has none."""

    address: str
    callers: Mapping[str, str | None]


@asynccontextmanager
async def served(
    service: str, templates: Templates, sign: SignsTokens, issuer_directory: Path
) -> AsyncIterator[Served]:
    """A service on a database of its own, in a body with units, and things that belong to them."""
    body, furnish = _BODIES[service]
    database = await templates.clone(service)
    patient = {"rates": dict.fromkeys(get_args(RouteClass), "unlimited"), "longest_waiting": timedelta(days=1)}
    # No worker takes what is written here, and that is not what is tried.
    app = service_on(database, issuer_directory, body=body, **patient)
    listener = listening()
    host, port = listener.getsockname()
    server = server_of(app, host=host, port=port)
    running = asyncio.create_task(server.serve([listener]))
    try:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
            walk = await furnish(Service(app, client, sign))
        callers = {
            ADMINISTRATOR: sign(ADMINISTRATOR),
            "data_provider of one unit": sign("data_provider", walk.near["unit"]),
            "nobody": None,
        }
        yield Served(f"http://{host}:{port}", callers)
    finally:
        server.should_exit = True
        await running
        await templates.drop(database.name)
