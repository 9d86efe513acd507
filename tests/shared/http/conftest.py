"""The tiny service on a database of its own, with tokens of an issuer of its own."""

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.local.issuer import public_keys, settings_for
from deploy.postgres.bootstrap import url_of
from shared.http.ddl import idempotency_table
from tests.fixtures.services import ClientFor, SignsTokens
from tests.shared.http.tiny import SCHEMA, TABLES, create_tiny

Token = Callable[..., dict[str, str]]


@pytest.fixture
def bearer(token: SignsTokens) -> Token:
    """`bearer("writer", "RF4")`: the header that signs a role in."""

    def make(role: str, unit: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(role, unit)}"}

    return make


@pytest_asyncio.fixture(scope="session")
async def tiny_database(postgres: str) -> AsyncIterator[str]:
    """The URL of a database with the tables of the tiny service."""
    name = f"test_tiny_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"create database {name}")
    url = url_of(postgres, name)
    inside = await asyncpg.connect(url)
    for statement in [*TABLES, idempotency_table(SCHEMA)]:
        await inside.execute(statement)
    await inside.close()
    yield url
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest_asyncio.fixture
async def tiny(tiny_database: str, issuer_directory: Path) -> FastAPI:
    """The tiny service, on empty tables."""
    inside = await asyncpg.connect(tiny_database)
    await inside.execute("delete from tiny.thing; delete from tiny.log_head; delete from tiny.idempotency")
    await inside.close()
    trusted = settings_for((issuer_directory / "address").read_text(), ["writer", "reader", "follower"])
    return create_tiny(tiny_database, trusted, public_keys(issuer_directory))


@pytest_asyncio.fixture
async def client(tiny: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the tiny service."""
    async with client_for(tiny) as client:
        yield client
