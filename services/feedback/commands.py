"""What `steward feedback …` adds."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(name="feedback", help="Look after the feedback service.", no_args_is_help=True)


@app.callback()
def feedback() -> None:
    """Look after the feedback service."""


@app.command()
def surveys() -> None:
    """Show every survey with its state and how many answers the worker has not added up yet."""
    Console().print(asyncio.run(_surveys()))


async def _surveys() -> Table:
    # Loaded here, so that other commands start without it.
    from services.feedback.scores.queries import surveys_with_waiting
    from services.feedback.settings import FeedbackSettings
    from shared.database import engine_for, sessions_of, transaction

    engine = engine_for(FeedbackSettings().database_url.get_secret_value(), schema="feedback", pool_size=1)
    try:
        async with transaction(sessions_of(engine)) as session:
            table = Table("survey", "state", "published version", "answers waiting")
            for survey, waiting in await surveys_with_waiting(session):
                table.add_row(survey.code, survey.state, str(survey.published_version or "none"), str(waiting))
            return table
    finally:
        await engine.dispose()
