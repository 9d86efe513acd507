"""The tiny service on a database of its own, with tokens of an issuer of its own."""

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.local.issuer import prepare, public_keys, settings_for, sign
from deploy.postgres.bootstrap import url_of
from shared.http.ddl import idempotency_table
from tests.fixtures.services import ClientFor
from tests.shared.http.tiny import SCHEMA, TABLES, create_tiny

Token = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def issuing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an issuer that nobody serves."""
    directory = tmp_path_factory.mktemp("issuer")
    prepare(directory, 1)
    return directory


@pytest.fixture
def bearer(issuing: Path) -> Token:
    """`bearer("writer", "RF4")`: the header that signs a role in."""

    def make(role: str, unit: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {sign(issuing, role, unit)}"}

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
async def tiny(tiny_database: str, issuing: Path) -> FastAPI:
    """The tiny service, on empty tables."""
    inside = await asyncpg.connect(tiny_database)
    await inside.execute("truncate tiny.thing, tiny.log_head, tiny.idempotency")
    await inside.close()
    address = (issuing / "address").read_text()
    return create_tiny(tiny_database, settings_for(address, ["writer", "reader"]), public_keys(issuing))


@pytest_asyncio.fixture
async def client(tiny: FastAPI, client_for: ClientFor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the tiny service."""
    async with client_for(tiny) as client:
        yield client
