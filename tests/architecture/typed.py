"""Whether the `steward` command takes what somebody is told to type."""

import typer
from typer.core import TyperGroup
from typer.main import get_command

from deploy.cli.main import app


def parsed(arguments: list[str]) -> None:
    """Raise TyperException where `steward` does not know a command, an argument or an option; runs nothing."""
    command = get_command(app)
    while isinstance(command, TyperGroup):
        _, found, arguments = command.resolve_command(typer.Context(command), arguments)
        assert found is not None
        command = found
    command.make_context(command.name, arguments)
