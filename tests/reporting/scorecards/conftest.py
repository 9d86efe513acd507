"""A reporting service on a database of its own that has heard of a small world."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from services.reporting.app import create_app
from services.reporting.settings import ReportingSettings
from shared.database import SessionFactory, transaction
from shared.http.auth import Grant, Identity, TokenRefused
from shared.messaging.handlers import Received
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor
from tests.reporting.told import hear

Tell = Callable[..., Awaitable[None]]


class RolesAsTokens:
    """Takes `analyst` or `analyst@london` for a token."""

    async def verify(self, token: str) -> Identity:
        role, _, unit = token.partition("@")
        if role == "forged":
            raise TokenRefused("The signature does not fit.")
        return Identity(uuid5(NAMESPACE_URL, token), (Grant(role, unit or None),))


def signed_in(role: str, unit: str | None = None) -> dict[str, str]:
    """The header that signs a role in."""
    return {"Authorization": f"Bearer {role}@{unit}" if unit else f"Bearer {role}"}


@pytest_asyncio.fixture
async def app(database: Callable[[str], Awaitable[Database]]) -> FastAPI:
    """The reporting service, with roles for tokens."""
    made = await database("reporting")
    app = create_app(ReportingSettings(REPORTING_DATABASE_URL=SecretStr(made.url), env="test"))
    app.state.verifier = RolesAsTokens()
    return app


@pytest_asyncio.fixture
async def client(app: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service."""
    async with client_for(app) as client:
        yield client


@pytest_asyncio.fixture
async def tell(app: FastAPI, client: httpx.AsyncClient) -> Tell:
    """`await tell(*events)`: let the service hear events, and commit."""
    sessions: SessionFactory = app.state.sessions

    async def tell(*events: Received[Any]) -> None:
        async with transaction(sessions) as session:
            await hear(session, *events)

    return tell
