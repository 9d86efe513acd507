"""`steward contracts`: what the services promise each other, as files that others can read."""

from typing import Annotated

import typer
from rich.console import Console

from shared.contracts import publishing
from shared.contracts.publishing import SCHEMAS, BrokenPromise

console = Console(stderr=True, highlight=False)


def contracts(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where files are out of date or a promise is broken.")
    ] = False,
) -> None:
    """Write a JSON Schema and an example for every event, and an AsyncAPI document for every service.

    A released schema is a promise: a new optional field is fine, everything else needs the event's next version and
    is refused here, with the place. The files are in shared/contracts/schemas.
    """
    if check:
        broken = list(publishing.broken_promises())
        stale = [] if broken else publishing.stale_files()
        for breach in broken:
            console.print(f"[red]broken[/red] {breach}")
        for path in stale:
            console.print(f"[red]out of date[/red] {path.name}: run «steward contracts»")
        raise typer.Exit(1 if broken or stale else 0)
    try:
        written = publishing.write()
    except BrokenPromise as error:
        console.print(f"[red]Nothing was written: a released promise would be broken.[/red]\n{error}")
        raise typer.Exit(1) from error
    for path in written:
        console.print(f"wrote {path.name}")
    if not written:
        console.print(f"Everything in {SCHEMAS.name}/ is current.")
