"""What `steward goals …` adds."""

import asyncio
from typing import Annotated

import typer

from shared.errors import ServiceError

app = typer.Typer(name="goals", help="Look after the goals service.", no_args_is_help=True)


@app.command()
def recalculate(
    context: typer.Context,
    indicator: Annotated[str | None, typer.Option(help="Id or code of one indicator; all of them if left out")] = None,
) -> None:
    """Have the worker compute results again from what was recorded."""
    try:
        asyncio.run(_recalculate(context.obj(), indicator))
    except ServiceError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from error
    typer.echo(f"The worker will compute {indicator or 'every indicator'} again.")


async def _recalculate(url: str, indicator: str | None) -> None:
    # Loaded here, so that other commands start without it.
    from services.goals.indicators.queries import indicator_by_key
    from services.goals.recalculation.operations import mark_dirty
    from shared.database import sessions_at, transaction

    async with (
        sessions_at(url, schema="goals", application="steward-goals-command") as sessions,
        transaction(sessions) as session,
    ):
        wanted = (await indicator_by_key(session, indicator)).id if indicator else None
        await mark_dirty(session, indicator_id=wanted)
