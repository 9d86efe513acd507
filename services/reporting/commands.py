"""What `steward reporting …` adds."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(name="reporting", help="Look after the reporting service.", no_args_is_help=True)


@app.command()
def followed(context: typer.Context) -> None:
    """Show how far each log has been applied, and what was set aside."""
    Console().print(asyncio.run(_followed(context.obj())))


async def _followed(url: str) -> Table:
    # Loaded here, so that other commands start without it.
    from services.reporting.facts.queries import progress
    from services.reporting.schema import DeadLetter
    from shared.database import sessions_at, transaction
    from shared.messaging.dead_letters import unresolved

    table = Table("log of", "position", "recorded at", "set aside")
    async with (
        sessions_at(url, schema="reporting", application="steward-reporting-command") as sessions,
        transaction(sessions) as session,
    ):
        waiting = await unresolved(session, DeadLetter)
        for row in await progress(session):
            aside = sum(letter.log_id == row.log_id for letter in waiting)
            table.add_row(row.source, str(row.position), row.recorded_at.isoformat(timespec="seconds"), str(aside))
    return table


@app.command()
def rebuild(context: typer.Context) -> None:
    """Forget all read models and have the worker make them again, from the first event of every log followed.

    Pages are empty at first and fill up within moments. Nothing is told to anybody, and what reporting holds of its
    own stays. Safe to run beside a living system.
    """
    for source, rows in asyncio.run(_rebuild(context.obj())).items():
        typer.echo(f"{rows} rows made from the log of {source} are made anew.")


async def _rebuild(url: str) -> dict[str, int]:
    # Loaded here, so that other commands start without it.
    from services.reporting.schema import EVENT_TABLES
    from services.reporting.worker import FOLLOWS
    from shared.clock import current_time
    from shared.database import sessions_at
    from shared.messaging.restore import rebuild

    async with sessions_at(url, schema="reporting", application="steward-reporting-command") as sessions:
        return {
            source: await rebuild(
                sessions, EVENT_TABLES, consumer="reporting", source=source, copies=copies, now=current_time()
            )
            for source, copies in FOLLOWS.items()
        }
