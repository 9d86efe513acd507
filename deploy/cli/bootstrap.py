"""`steward bootstrap`: what a PostgreSQL server needs once."""

import asyncio
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from deploy.cli.options import console, plainly


class BootstrapSettings(BaseSettings):
    """The administrator's URL, and those of the three logins, whose passwords are set from them."""

    database_url: str
    goals_database_url: str
    feedback_database_url: str
    reporting_database_url: str


def bootstrap(
    body: Annotated[str | None, typer.Option(help="Found the body with this slug, such as springfield.")] = None,
    name: Annotated[str | None, typer.Option(help="The body's name, in its language.")] = None,
    language: Annotated[str, typer.Option(help="The body's default language.")] = "en",
    time_zone: Annotated[str, typer.Option(help="The zone that decides which day it is.")] = "Europe/London",
    start_month: Annotated[int, typer.Option(help="The month in which its fiscal year begins.", min=1, max=12)] = 1,
    printed: Annotated[
        bool, typer.Option("--print", help="Change nothing: print the SQL for an administrator to run with psql.")
    ] = False,
    administrator: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="ISSUER SUBJECT", help="Who, by iss and sub of its tokens, shall administer the body."),
    ] = None,
) -> None:
    """Make databases, roles and schemas on the server at DATABASE_URL, migrate them, and found the body.

    The names are fixed (goals, feedback, reporting); the passwords of the three logins are taken from
    GOALS_DATABASE_URL, FEEDBACK_DATABASE_URL and REPORTING_DATABASE_URL. Doing it again changes nothing else.
    """
    if printed:
        from deploy.postgres.bootstrap import script

        typer.echo(script())
        return
    if body is not None and name is None:
        raise typer.BadParameter("a body needs a --name")
    with plainly():
        asyncio.run(_bootstrap(body, name or "", language, time_zone, start_month, administrator))


async def _bootstrap(
    body: str | None, name: str, language: str, time_zone: str, start_month: int, administrator: tuple[str, str] | None
) -> None:
    from sqlalchemy.engine import make_url

    from deploy.local.body import Founding, appoint, found
    from deploy.local.places import CannotRun
    from deploy.postgres import bootstrap as server
    from shared.migrations import migrate

    try:
        settings = BootstrapSettings()
    except ValidationError as error:
        missing = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors())
        raise CannotRun(f"bootstrap needs these variables: {missing}") from error
    logins = {service: make_url(getattr(settings, f"{service}_database_url")) for service in server.SERVICES}
    for service, login in logins.items():
        if login.username != service or login.database != service or not login.password:
            raise CannotRun(
                f"{service.upper()}_DATABASE_URL names the login {service}, its password and the database {service}."
            )
    try:
        await server.bootstrap(settings.database_url, {name: str(login.password) for name, login in logins.items()})
    except server.NotAllowed as error:
        raise CannotRun(str(error)) from error
    for service in server.SERVICES:
        await migrate(service, server.url_of(settings.database_url, service))
        console.print(f"{service}: database, roles and schema are ready")
    if body is not None:
        founding = Founding(
            slug=body, name={language: name}, language=language, time_zone=time_zone, start_month=start_month
        )
        await found(founding, settings.goals_database_url)
        console.print(f"{body}: the body is founded")
    if administrator is not None:
        issuer, subject = administrator
        changed = await appoint(issuer, subject, settings.goals_database_url)
        console.print("the administrator is appointed" if changed else "the administrator is one already")
