"""`steward events`: looking at a service's log, checking it, and mending what could not be applied."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_settings import BaseSettings
from rich.progress import Progress

from deploy.cli.options import DataDir, Service, database_url, errors, plainly
from shared.clock import current_time
from shared.database import SessionFactory, sessions_at, transaction
from shared.messaging.applying import Handling
from shared.messaging.chain import instant
from shared.messaging.dead_letters import replay as replay_dead_letters
from shared.messaging.dead_letters import unresolved
from shared.messaging.envelope import source_of, structured
from shared.messaging.log import LoggedEvent, events_after, head_of
from shared.messaging.pace import IDLE
from shared.messaging.tables import EventTables
from shared.messaging.verify import verify as verify_log

app = typer.Typer(
    help="Look at the events of a service, check its log, and replay what could not be applied.\n\n"
    "The service is an option here (steward events tail --service goals); serve, worker and routes take it as their "
    "argument (steward serve goals).",
    no_args_is_help=True,
    rich_markup_mode=None,
)
WhichService = Annotated[Service, typer.Option(help="The service whose database is read.")]


class BodySettings(BaseSettings):
    """Whose log it is, as the services themselves are told."""

    steward_body: str | None = None


@app.command()
def tail(
    service: WhichService,
    after: Annotated[
        int | None, typer.Option(min=0, help="Begin after this position; by default with the last ten events.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Whole CloudEvents, one a line.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show what a service has told the others, oldest first.

    Each line is one event: its position in the log, when it was recorded, its type, the id of the thing it is about,
    and the version of that thing.
    """

    def show(event: LoggedEvent) -> None:
        if as_json:
            typer.echo(structured(event, source_of(_body(data_dir), service.value)))
        else:
            kind = event.type.removeprefix(f"steward.{service.value}.")
            about = f"{event.subject}  v{event.subject_version}"
            typer.echo(f"{event.position:>8}  {instant(event.recorded_at)}  {kind:<26}  {about}")

    async def run() -> None:
        async with _database(service, data_dir) as (sessions, tables):
            position = after
            while True:
                async with transaction(sessions) as session:
                    if position is None:
                        position = max(0, (await head_of(session, tables.log_head)).position - 10)
                    events = await events_after(session, tables.event_log, position)
                for event in events:
                    show(event)
                    position = event.position
                if not events:
                    if not follow:
                        return
                    await asyncio.sleep(IDLE)

    _run(run())


@app.command()
def verify(
    service: Annotated[
        Service | None, typer.Option(help="The service whose log is checked; every one if left out.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Check that the log of a service, or of each of them, is as it was written.

    Reads every event and computes the chain of hashes again. An event that was edited, inserted, swapped or removed
    is named with its position, and the command ends with 1. Nothing is changed; the service may go on meanwhile.
    """

    async def run() -> bool:
        found = [await _verify(each, data_dir) for each in ([service] if service else Service)]
        return all(found)

    if not _run(run()):
        raise typer.Exit(1)


async def _verify(service: Service, data_dir: Path | None) -> bool:
    async with _database(service, data_dir) as (sessions, tables):
        began = time.monotonic()
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task(f"Reading the log of {service.value}")
            verified = await verify_log(
                sessions, tables, report=lambda done, of: progress.update(task, completed=done, total=of)
            )
        took = time.monotonic() - began
    for finding in verified.findings:
        typer.echo(f"position {finding.position}: {finding.what}")
    erased = f", {len(verified.erased)} of them erased" if verified.erased else ""
    outcome = "intact" if verified.intact else f"NOT INTACT: {len(verified.findings)} findings"
    typer.echo(
        f"{service.value}: {verified.events} events{erased} read in {took:.1f} s, log {verified.head.log_id}, "
        f"last position {verified.head.position}, hash {verified.head.hash.hex()[:16]}…: {outcome}"
    )
    return verified.intact


@app.command("dead-letters")
def dead_letters(
    service: WhichService,
    as_json: Annotated[bool, typer.Option("--json", help="With the whole event, one a line.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List the events of others that a service could not apply, with the reason.

    Each line is one event: its position in the log it came from, when it was set aside, its type, the id and version
    of the thing it is about, and the reason. Later events went on; what each of these is about shows as "update held
    back" until it is replayed.
    """

    async def run() -> None:
        async with _database(service, data_dir) as (sessions, tables), transaction(sessions) as session:
            waiting = await unresolved(session, tables.dead_letter)
        if as_json:
            for letter in waiting:
                told = {"position": letter.position, "reason": letter.reason, "event": json.loads(letter.envelope)}
                typer.echo(json.dumps(told, ensure_ascii=False))
            return
        if not waiting:
            typer.echo(f"{service.value} has applied everything that it was told.")
            return
        for letter in waiting:
            about = f"{letter.subject}  v{letter.subject_version}"
            reason = " ".join(letter.reason.split())
            typer.echo(f"{letter.position:>8}  {instant(letter.set_aside_at)}  {letter.type}  {about}  {reason}")
        typer.echo(f"{len(waiting)} waiting. Once mended: steward events replay --service {service.value}")

    _run(run())


@app.command()
def replay(
    service: WhichService,
    position: Annotated[
        int | None, typer.Option(help="Only the one at this position; by default all, in order.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Apply the events that were set aside, after their reason was mended.

    Safe to run at any time and more than once: what still fails stays where it is, with the new reason.
    """

    async def run() -> bool:
        handling = Handling(import_module(f"services.{service.value}.worker").HANDLERS)
        async with _database(service, data_dir) as (sessions, tables):
            outcome = await replay_dead_letters(sessions, tables, handling, now=current_time(), position=position)
        for each in outcome:
            typer.echo(f"position {each.position}, {each.type}: {each.reason or 'applied'}")
        failed = sum(each.reason is not None for each in outcome)
        typer.echo(f"{len(outcome) - failed} applied, {failed} still waiting." if outcome else "Nothing is waiting.")
        return not failed

    if not _run(run()):
        raise typer.Exit(1)


@asynccontextmanager
async def _database(service: Service, data_dir: Path | None) -> AsyncIterator[tuple[SessionFactory, EventTables]]:
    url = database_url(service, data_dir)
    tables: EventTables = import_module(f"services.{service.value}.schema").EVENT_TABLES
    async with sessions_at(url, schema=service.value, application="steward-events") as sessions:
        yield sessions, tables


def _body(data_dir: Path | None) -> str:
    """The slug of the body: STEWARD_BODY, or that of the demo."""
    from deploy.local.body import DEMO_BODY

    return (None if data_dir else BodySettings().steward_body) or DEMO_BODY.slug


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    with plainly():
        try:
            return asyncio.run(work)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None
