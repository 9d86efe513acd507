"""`steward routes`: what each service serves, and to whom."""

from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.openapi import application_of
from deploy.cli.options import Service, console
from shared.http.routes import operations_of


def routes(
    service: Annotated[Service | None, typer.Argument(help="goals, feedback or reporting; all if left out")] = None,
) -> None:
    """List every operation with the permission it asks for and the roles that hold it."""
    for name in [service] if service else list(Service):
        app = application_of(name)
        table = Table(title=name.value, title_justify="left")
        for heading in ("Operation", "Permission", "Roles"):
            table.add_column(heading, overflow="fold")
        for operation in operations_of(app):
            holders = [role for role, held in app.state.roles.items() if operation.permissions & held]
            permissions = ", ".join(sorted(operation.permissions)) or "public"
            table.add_row(operation.name, permissions, ", ".join(sorted(holders)))
        console.print(table)
