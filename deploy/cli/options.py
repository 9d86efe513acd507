"""What several commands ask for, and how they end when something stands in their way."""

from collections.abc import Iterator
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


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Where a local Steward keeps its data; by default .steward/ in the checkout, as root below "
        "/var/lib/steward.",
        show_default=False,
    ),
]


@contextmanager
def plainly() -> Iterator[None]:
    """End with one line on standard error, instead of a traceback, where the machine stands in the way."""
    from deploy.local.places import CannotRun

    try:
        yield
    except CannotRun as error:
        errors.print(f"steward: {error}", style="bold", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
