"""`steward migrate`: bring databases to the newest schema, or check the migrations themselves."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.options import AdministratorSettings, Service, console, plainly


def migrate(
    service: Annotated[Service | None, typer.Argument(help="Only this service.", show_default=False)] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing: try the migrations on a server of their own and lint their SQL."),
    ] = False,
) -> None:
    """Upgrade the databases on the server at DATABASE_URL, one service after the other.

    Safe to run beside a living system and more than once: it takes a lock, gives up a table it cannot have within two
    seconds, and tries again.
    """
    services = [service.value] if service else [each.value for each in Service]
    with plainly():
        if check:
            from deploy.local.migrations import check_migrations

            asyncio.run(check_migrations(services, report=console.print))
        else:
            asyncio.run(_migrate(services))


async def _migrate(services: list[str]) -> None:
    from deploy.local.places import CannotRun
    from deploy.postgres.bootstrap import url_of
    from shared import migrations

    administrator = AdministratorSettings().database_url
    if administrator is None:
        raise CannotRun("migrate needs DATABASE_URL: the administrator's URL of the PostgreSQL server.")
    for service in services:
        await migrations.migrate(service, url_of(administrator, service))
        console.print(f"{service}: at {migrations.newest(service)}")
