"""Proving a log and erasing from it: `steward events verify`, `anchor`, `erase`."""

import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import Progress

from deploy.cli.events.places import (
    WhichService,
    administered,
    anchor_settings,
    body_of,
    database_of,
    finish,
    followers_known,
)
from deploy.cli.options import DataDir, Service, errors
from shared.clock import current_time
from shared.database import SessionFactory, transaction
from shared.errors import RuleBroken
from shared.messaging import anchors as anchoring
from shared.messaging.erasure import erase as erase_events
from shared.messaging.tables import EventTables
from shared.messaging.verify import Verified
from shared.messaging.verify import verify as verify_log
from shared.messaging.witnesses import Witness, anchored, progress_in

MOST_POSITIONS_SHOWN = 20


class BrokenAnchors(RuleBroken):
    """A file of anchors holds something else."""

    code = "broken_anchors"
    title = "These are not the anchors"


def verify(
    service: Annotated[
        Service | None, typer.Option(help="The service whose log is checked; every one if left out.")
    ] = None,
    anchors: Annotated[
        list[Path] | None, typer.Option(help="A file of anchors, one a line; may be named more than once.")
    ] = None,
    anchor_key: Annotated[
        Path | None,
        typer.Option(help="The public key of the anchors; by default that of STEWARD_ANCHOR_*.", show_default=False),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Check that the log of a service, or of each of them, is as it was written.

    Reads every event, computes the chain of hashes again, and compares the log with what its followers have applied
    and what was anchored. An event that was edited, inserted, swapped or removed, also at the end, is named with its
    position, and the command ends with 1. Nothing is changed; the service may go on meanwhile.
    """

    async def run() -> bool:
        found = [
            await _verify(each, anchors or [], anchor_key, data_dir) for each in ([service] if service else Service)
        ]
        return all(found)

    if not finish(run()):
        raise typer.Exit(1)


async def _verify(service: Service, files: list[Path], key_file: Path | None, data_dir: Path | None) -> bool:
    async with database_of(service, data_dir) as (sessions, tables):
        witnesses = await _anchors(service, files, key_file, sessions, tables, data_dir)
        for other in followers_known(service, data_dir):
            async with database_of(other, data_dir) as (theirs, their_tables), transaction(theirs) as session:
                witnesses += await progress_in(session, their_tables.progress, service.value)
        began = time.monotonic()
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task(f"Reading the log of {service.value}")
            verified = await verify_log(
                sessions,
                tables,
                witnesses=witnesses,
                report=lambda done, of: progress.update(task, completed=done, total=of),
            )
    _tell(service, verified, took=time.monotonic() - began)
    return verified.intact


async def _anchors(
    service: Service,
    files: list[Path],
    key_file: Path | None,
    sessions: SessionFactory,
    tables: EventTables,
    data_dir: Path | None,
) -> list[Witness]:
    """The anchors in the files that were named, or in the one that anchors go to, and those in the database."""
    settings = anchor_settings(service, data_dir)
    async with transaction(sessions) as session:
        kept = await anchoring.kept_anchors(session, tables)
    key_file = key_file or settings.public_key_file or settings.key_file
    texts = _texts_of(files or _where(settings))
    if kept:
        texts[f"the table {tables.schema}.anchor"] = "\n".join(kept)
    if not texts:
        return []
    if key_file is None:
        raise BrokenAnchors("There are anchors, and no key to check them with: name it with --anchor-key.")
    key = anchoring.key_in(key_file)
    found: dict[anchoring.Anchor, None] = {}
    for place, text in texts.items():
        try:
            found.update(dict.fromkeys(anchoring.anchors_in(text, key)))
        except anchoring.NotAnAnchor as error:
            raise BrokenAnchors(f"{place}: {error}") from error
    return anchored(list(found), service=service.value)


def _where(settings: anchoring.AnchorSettings) -> list[Path]:
    """The file that anchors go to, where they go to one and there are some."""
    file = Path(settings.to or "")
    return [file] if file.is_file() else []


def _texts_of(files: list[Path]) -> dict[str, str]:
    try:
        return {str(file): file.read_text() for file in files}
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenAnchors(str(error)) from error


def _tell(service: Service, verified: Verified, *, took: float) -> None:
    for finding in verified.findings:
        typer.echo(f"position {finding.position}: {finding.what}")
    for renewal in verified.renewals:
        typer.echo(
            f"position {renewal.position}: goes on after a restore to position {renewal.restored_to} "
            f"(before it was log {renewal.previous_log})"
        )
    if verified.erased:
        shown = ", ".join(map(str, verified.erased[:MOST_POSITIONS_SHOWN]))
        more = f" and {len(verified.erased) - MOST_POSITIONS_SHOWN} more" * (
            len(verified.erased) > MOST_POSITIONS_SHOWN
        )
        typer.echo(f"erased, as the log itself tells: position {shown}{more}")
    outcome = "intact" if verified.intact else f"NOT INTACT: {len(verified.findings)} findings"
    typer.echo(
        f"{service.value}: {verified.events} events read in {took:.1f} s and compared with {verified.witnesses} "
        f"witnesses, log {verified.head.log_id}, last position {verified.head.position}, hash "
        f"{verified.head.hash.hex()[:16]}…: {outcome}"
    )


def anchor(service: WhichService, data_dir: DataDir = None) -> None:
    """Sign where a service's log ends now, and send that out of its reach.

    The worker does so once a day where STEWARD_ANCHOR_TO (a file, or an https address) and STEWARD_ANCHOR_KEY_FILE (an
    Ed25519 key) are set; with a demo, a key and a file in its data directory serve. An anchor is a JWS, one line.
    """

    async def run() -> None:
        from shared.http.client import post_text

        settings = anchor_settings(service, data_dir, make_key=True)
        async with database_of(service, data_dir) as (sessions, tables):
            made = await anchoring.anchor(
                sessions,
                tables,
                settings,
                body=body_of(data_dir),
                post=post_text,
                now=current_time(),
                even_if_early=True,
            )
        if made is not None:
            typer.echo(
                f"{service.value}: position {made.position}, hash {made.hash[:16]}… is anchored in {settings.to}"
            )

    finish(run())


def erase(
    service: WhichService,
    case: Annotated[
        str, typer.Option(help="Where the reason is on file, such as the number of a request. Names nobody.")
    ],
    position: Annotated[
        list[int] | None, typer.Option(min=1, help="An event at this position; may be named more than once.")
    ] = None,
    subject: Annotated[
        list[UUID] | None, typer.Option(help="Every event about this thing; may be named more than once.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Erase for good what events of a service's log say: their data, and who did it.

    Place, type, subject and time stay, the chain still verifies, and the log tells the followers, in an event of its
    own, what to erase of theirs. Needs DATABASE_URL, the administrator's: the service's own login may not do it.
    Kafka forgets after the retention of its topic; backups after theirs.
    """
    if not position and not subject:
        raise typer.BadParameter("name what to erase: --position or --subject, each as often as needed")
    if not yes:
        typer.confirm(f"Erase this from the log of {service.value}, for good?", abort=True)

    async def run() -> None:
        async with administered(service, data_dir) as (sessions, tables):
            erased = await erase_events(
                sessions, tables, positions=position or (), subjects=subject or (), case=case, now=current_time()
            )
        for each in erased[:MOST_POSITIONS_SHOWN]:
            typer.echo(f"position {each.position}, about {each.subject}: erased")
        typer.echo(f"{len(erased)} events of {service.value} are erased, and its followers are told.")

    finish(run())
