"""Where the commands on events find databases, feeds and keys: as the services are told, or in a running demo."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, TypeVar

import asyncpg
import typer
from pydantic_settings import BaseSettings
from sqlalchemy.exc import SQLAlchemyError

from deploy.cli.options import AdministratorSettings, DatabaseSettings, Service, database_url, plainly
from shared.database import SessionFactory, sessions_at
from shared.messaging.anchors import AnchorSettings, new_key
from shared.messaging.feed import FeedSource
from shared.messaging.tables import EventTables
from shared.settings import UnsafeSettings
from shared.telemetry import in_short

WhichService = Annotated[Service, typer.Option(help="The service whose log or database it is.")]
T = TypeVar("T")


class BodySettings(BaseSettings):
    """Whose log it is, as the services themselves are told."""

    steward_body: str | None = None


def tables_of(service: Service) -> EventTables:
    """The event path of a service."""
    tables: EventTables = import_module(f"services.{service.value}.schema").EVENT_TABLES
    return tables


@asynccontextmanager
async def database_of(service: Service, data_dir: Path | None) -> AsyncIterator[tuple[SessionFactory, EventTables]]:
    """Sessions on a service's database, as its own login."""
    url = database_url(service, data_dir)
    async with sessions_at(url, schema=service.value, application="steward-events") as sessions:
        yield sessions, tables_of(service)


@asynccontextmanager
async def administered(service: Service, data_dir: Path | None) -> AsyncIterator[tuple[SessionFactory, EventTables]]:
    """Sessions on a service's database, as the administrator, who may act as the owner of its schema."""
    from deploy.local.places import CannotRun, default_data_directory
    from deploy.local.running import running_on
    from deploy.postgres.bootstrap import url_of

    server = None if data_dir else AdministratorSettings().database_url
    try:
        server = server or running_on(data_dir or default_data_directory())["database_url"]
    except CannotRun as error:
        raise CannotRun(f"{error} Or set DATABASE_URL, the administrator's URL of the PostgreSQL server.") from error
    async with sessions_at(
        url_of(server, service.value), schema=service.value, application="steward-events"
    ) as sessions:
        yield sessions, tables_of(service)


def is_given(service: Service) -> bool:
    """Whether the environment names the service's database."""
    return getattr(DatabaseSettings(), f"{service.value}_database_url") is not None


def followers_known(service: Service, data_dir: Path | None) -> list[Service]:
    """The other services whose databases can be asked too: all of a demo, or those that the environment names.

    Never some of each: a demo beside a real deployment is no witness of it.
    """
    others = [each for each in Service if each is not service]
    return others if data_dir or not is_given(service) else [each for each in others if is_given(each)]


async def owner_says(
    service: Service, source: Service, data_dir: Path | None, ask: Callable[[FeedSource], Awaitable[T]]
) -> T:
    """What the feed of `source` says to `service`."""
    from deploy.local.places import CannotRun

    try:
        return await _asked(service, source, data_dir, ask)
    except (CannotRun, UnsafeSettings):
        raise
    except Exception as error:
        raise CannotRun(f"The feed of {source.value} does not say what its log holds: {in_short(error)}") from error


async def _asked(
    service: Service, source: Service, data_dir: Path | None, ask: Callable[[FeedSource], Awaitable[T]]
) -> T:
    from deploy.local.issuer import issuer_directory, service_token
    from deploy.local.places import default_data_directory
    from deploy.local.running import running_on
    from shared.http.client import bearer_client, service_client
    from shared.messaging.transport import feed_of

    if is_given(service) and not data_dir:
        settings = getattr(
            import_module(f"services.{service.value}.settings"), f"{service.value.capitalize()}Settings"
        )()
        async with service_client(settings) as client:
            return await ask(feed_of(client, settings, source.value))
    directory = data_dir or default_data_directory()
    url = running_on(directory)["urls"][source.value]
    async with bearer_client(url, service_token(issuer_directory(directory), service.value)) as client:
        return await ask(FeedSource(client, url, service=source.value))


def anchor_settings(service: Service, data_dir: Path | None, *, make_key: bool = False) -> AnchorSettings:
    """STEWARD_ANCHOR_*; for a demo, a file and a key in its data directory, made where there is none."""
    from deploy.local.places import default_data_directory

    settings = AnchorSettings()
    if settings.to is not None or (is_given(service) and not data_dir):
        return settings
    anchors = (data_dir or default_data_directory()) / "anchors"
    key_file = anchors / "key.pem"
    if make_key and not key_file.exists():
        new_key(key_file)
    return settings.model_copy(update={"key_file": key_file, "to": str(anchors / f"{service.value}.jws")})


def body_of(data_dir: Path | None) -> str:
    """The slug of the body: STEWARD_BODY, or that of the demo."""
    from deploy.local.body import DEMO_BODY

    return (None if data_dir else BodySettings().steward_body) or DEMO_BODY.slug


def finish(work: Coroutine[None, None, T]) -> T:
    """Run a command to its end, or say in one line what stands in its way."""
    from deploy.local.places import CannotRun

    with plainly():
        try:
            return asyncio.run(work)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None
        except (UnsafeSettings, OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
            raise CannotRun(in_short(error).partition(": ")[2]) from error
