"""Looking at events, and applying what could not be applied: `steward events tail`, `dead-letters`, `replay`."""

import asyncio
import json
from importlib import import_module
from typing import Annotated

import typer

from deploy.cli.events.places import WhichService, body_of, database_of, finish
from deploy.cli.options import DataDir
from shared.clock import current_time
from shared.database import transaction
from shared.messaging.applying import Handling
from shared.messaging.chain import instant
from shared.messaging.dead_letters import replay as replay_dead_letters
from shared.messaging.dead_letters import unresolved
from shared.messaging.envelope import source_of, structured
from shared.messaging.erasure import handlers_of
from shared.messaging.log import LoggedEvent, events_after, head_of
from shared.messaging.pace import IDLE


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
            typer.echo(structured(event, source_of(body_of(data_dir), service.value)).decode())
        else:
            kind = event.type.removeprefix(f"steward.{service.value}.")
            about = f"{event.subject}  v{event.subject_version}" + ("  erased" if event.salt is None else "")
            typer.echo(f"{event.position:>8}  {instant(event.recorded_at)}  {kind:<26}  {about}")

    async def run() -> None:
        async with database_of(service, data_dir) as (sessions, tables):
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

    finish(run())


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
        async with database_of(service, data_dir) as (sessions, tables), transaction(sessions) as session:
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

    finish(run())


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
        async with database_of(service, data_dir) as (sessions, tables):
            handlers = import_module(f"services.{service.value}.worker").HANDLERS
            handling = Handling([handlers_of(tables), *handlers])
            outcome = await replay_dead_letters(sessions, tables, handling, now=current_time(), position=position)
        for each in outcome:
            typer.echo(f"position {each.position}, {each.type}: {each.reason or 'applied'}")
        failed = sum(each.reason is not None for each in outcome)
        typer.echo(f"{len(outcome) - failed} applied, {failed} still waiting." if outcome else "Nothing is waiting.")
        return not failed

    if not finish(run()):
        raise typer.Exit(1)
