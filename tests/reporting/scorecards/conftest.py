"""A reporting service on a database of its own that has heard of a small world."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from services.reporting.app import create_app
from services.reporting.settings import ReportingSettings
from shared.database import SessionFactory, transaction
from shared.http.auth import Grant, Identity, TokenRefused
from shared.messaging.handlers import Received
from tests.fixtures.databases import Templates
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


@asynccontextmanager
async def serving(templates: Templates) -> AsyncIterator[FastAPI]:
    """The reporting service on a fresh database, with roles for tokens."""
    made = await templates.clone("reporting")
    app = create_app(ReportingSettings(REPORTING_DATABASE_URL=SecretStr(made.url), env="local"))
    app.state.verifier = RolesAsTokens()
    async with app.router.lifespan_context(app):
        yield app
    await templates.drop(made.name)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client of a service that runs already."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://steward.test")


def teller(app: FastAPI) -> Tell:
    """`await tell(*events)`: let a service hear events, and commit."""
    sessions: SessionFactory = app.state.sessions

    async def tell(*events: Received[Any]) -> None:
        async with transaction(sessions) as session:
            await hear(session, *events)

    return tell


@pytest_asyncio.fixture(scope="module")
async def app(templates: Templates) -> AsyncIterator[FastAPI]:
    """One service for the tests of a file."""
    async with serving(templates) as app:
        yield app


@pytest_asyncio.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the file's service."""
    async with client_of(app) as client:
        yield client


@pytest.fixture(scope="module")
def tell(app: FastAPI) -> Tell:
    """What lets the file's service hear events."""
    return teller(app)


@pytest_asyncio.fixture
async def empty(templates: Templates) -> AsyncIterator[FastAPI]:
    """A service of its own that has heard of nothing."""
    async with serving(templates) as app:
        yield app
