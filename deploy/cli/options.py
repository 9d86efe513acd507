"""What several commands ask for, and how they end when something stands in their way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic_settings import BaseSettings
from rich.console import Console

console = Console()
errors = Console(stderr=True)


class Service(StrEnum):
    """The three services."""

    GOALS = "goals"
    FEEDBACK = "feedback"
    REPORTING = "reporting"


class AdministratorSettings(BaseSettings):
    """Who administers the PostgreSQL server, where it is not one that Steward starts."""

    database_url: str | None = None


class DatabaseSettings(BaseSettings):
    """Where each service's database is, as the services themselves are told."""

    goals_database_url: str | None = None
    feedback_database_url: str | None = None
    reporting_database_url: str | None = None


_WHERE = "Where a local Steward keeps its data; by default .steward/ in the checkout, as root below /var/lib/steward."
DataDir = Annotated[Path | None, typer.Option(help=_WHERE, show_default=False)]
GroupDataDir = Annotated[Path | None, typer.Option(help=f"{_WHERE} Name it before the command.", show_default=False)]


@contextmanager
def plainly() -> Iterator[None]:
    """End with one line on standard error, instead of a traceback, where the machine or a rule stands in the way."""
    from deploy.local.places import CannotRun
    from shared.errors import ServiceError
    from shared.settings import UnsafeSettings

    try:
        yield
    except (CannotRun, ServiceError, UnsafeSettings) as error:
        errors.print(f"steward: {error}", style="bold", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def database_url(service: Service, data_dir: Path | None) -> str:
    """The service's database, as its own login: GOALS_DATABASE_URL and the like, else that of a running demo.

    A directory that was named comes before the variables.
    """
    from deploy.local.places import CannotRun
    from deploy.local.running import database_of

    url: str | None = None if data_dir else getattr(DatabaseSettings(), f"{service.value}_database_url")
    try:
        return url or database_of(service.value, data_dir)
    except CannotRun as error:
        raise CannotRun(f"{error} Or set {service.value.upper()}_DATABASE_URL instead.") from error


def group_of(service: Service) -> Callable[[typer.Context, Path | None], None]:
    """What comes before the commands that a service adds: they find its database by calling `context.obj`."""

    def options(context: typer.Context, data_dir: GroupDataDir = None) -> None:
        # Looked up by the command, so that its --help needs nothing that runs.
        def url() -> str:
            with plainly():
                return database_url(service, data_dir)

        context.obj = url

    return options
