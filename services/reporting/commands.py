"""What `steward reporting …` adds."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(name="reporting", help="Look after the reporting service.", no_args_is_help=True)


@app.callback()
def reporting() -> None:
    """Look after the reporting service."""


@app.command()
def followed() -> None:
    """Show how far each log has been applied, and what was set aside."""
    Console().print(asyncio.run(_followed()))


async def _followed() -> Table:
    # Loaded here, so that other commands start without it.
    from services.reporting.facts.queries import progress
    from services.reporting.schema import DeadLetter
    from services.reporting.settings import ReportingSettings
    from shared.database import engine_for, sessions_of, transaction
    from shared.messaging.dead_letters import unresolved

    engine = engine_for(ReportingSettings().database_url.get_secret_value(), schema="reporting", pool_size=1)
    try:
        async with transaction(sessions_of(engine)) as session:
            waiting = await unresolved(session, DeadLetter)
            table = Table("log of", "position", "recorded at", "set aside")
            for row in await progress(session):
                aside = sum(letter.log_id == row.log_id for letter in waiting)
                table.add_row(row.source, str(row.position), row.recorded_at.isoformat(timespec="seconds"), str(aside))
            return table
    finally:
        await engine.dispose()
