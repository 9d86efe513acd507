"""The three services, each in a body with units to ask for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio

from deploy.local.issuer import sign_in_settings
from deploy.postgres.bootstrap import SERVICES
from tests.architecture.access import feedback, goals, reporting
from tests.architecture.access.walking import Service, Walk
from tests.fixtures.databases import Database, Templates
from tests.fixtures.services import ClientFor, SignsTokens, service_on

SIGNS_IN = {name: f"http://127.0.0.1:1/{name}" for name in ("authorize_url", "token_url", "jwks_url")}
"""An issuer that nobody comes back from: sessions are opened by hand."""


@pytest_asyncio.fixture(scope="package")
async def databases(templates: Templates) -> AsyncIterator[Mapping[str, Database]]:
    """One for each service."""
    made = {service: await templates.clone(service) for service in SERVICES}
    yield made
    for database in made.values():
        await templates.drop(database.name)


@pytest_asyncio.fixture(scope="package")
async def walks(
    databases: Mapping[str, Database], client_for: ClientFor, token: SignsTokens, issuer_directory: Path
) -> AsyncIterator[Mapping[str, Walk]]:
    """Each service, in a body with units to ask for."""
    async with AsyncExitStack() as stack:

        async def running(service: str, body: str) -> Service:
            sign_in = sign_in_settings("http://127.0.0.1:1", service, "secret") | SIGNS_IN
            links = {service: "http://steward.test"}
            app = service_on(databases[service], issuer_directory, body=body, sign_in=sign_in, links=links)
            return Service(app, await stack.enter_async_context(client_for(app)), token)

        yield {
            "goals": await goals.walk_through(await running("goals", goals.ROOT)),
            "feedback": await feedback.walk_through(await running("feedback", feedback.BODY)),
            "reporting": await reporting.walk_through(await running("reporting", reporting.BODY)),
        }
