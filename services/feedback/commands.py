"""What `steward feedback …` adds."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(name="feedback", help="Look after the feedback service.", no_args_is_help=True)


@app.command()
def surveys(context: typer.Context) -> None:
    """Show every survey with its state and how many answers the worker has not added up yet."""
    Console().print(asyncio.run(_surveys(context.obj())))


async def _surveys(url: str) -> Table:
    # Loaded here, so that other commands start without it.
    from services.feedback.scores.queries import surveys_with_waiting
    from shared.database import sessions_at, transaction

    table = Table("survey", "state", "published version", "answers waiting")
    async with (
        sessions_at(url, schema="feedback", application="steward-feedback-command") as sessions,
        transaction(sessions) as session,
    ):
        for survey, waiting in await surveys_with_waiting(session):
            table.add_row(survey.code, survey.state, str(survey.published_version or "none"), str(waiting))
    return table
