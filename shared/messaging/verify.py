"""Checking a log against its own chain: what was edited, inserted, swapped or removed shows where the chain breaks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import sqlalchemy
from sqlalchemy import func
from sqlmodel import col, select

from shared.database import SessionFactory, transaction
from shared.messaging.chain import GENESIS, HASH_VERSION, Entry, Head, chained, digest
from shared.messaging.log import LoggedEvent, events_after, head_of
from shared.messaging.tables import EventTables

MOST_FINDINGS = 100
"""Where one history was put in place of another nearly every event differs; the first ones say enough."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written, and at which position."""

    position: int
    what: str


@dataclass(slots=True)
class Verified:
    """What a check has seen."""

    head: Head
    events: int = 0
    erased: int = 0
    """Events whose data were erased by the operation for that; the chain holds without them."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


async def verify(
    sessions: SessionFactory, tables: EventTables, *, report: Callable[[int, int], None] = lambda done, of: None
) -> Verified:
    """Read the whole log, in short transactions, and compute its chain again."""
    async with transaction(sessions) as session:
        head = await head_of(session, tables.log_head)
    verified = Verified(head)
    before: LoggedEvent | None = None
    while len(verified.findings) < MOST_FINDINGS and (before.position if before else 0) < head.position:
        async with transaction(sessions) as session:
            events = await events_after(session, tables.event_log, before.position if before else 0)
        if not events:
            break
        for event in events:
            verified.findings.extend(_findings(event, before, head))
            verified.events += 1
            verified.erased += event.salt is None
            before = event
        report(before.position if before else 0, head.position)
    if len(verified.findings) < MOST_FINDINGS:
        verified.findings.extend(await _end(sessions, tables))
    del verified.findings[MOST_FINDINGS:]
    return verified


def _findings(event: LoggedEvent, before: LoggedEvent | None, head: Head) -> Iterator[Finding]:
    expected = before.position + 1 if before else 1
    if event.position > expected:
        gone = str(expected) if event.position == expected + 1 else f"{expected} to {event.position - 1}"
        yield Finding(expected, f"removed: there is nothing at position {gone}")
    elif event.previous != (before.hash if before else GENESIS):
        yield Finding(event.position, "does not continue the event before it: one of the two is not what was written")
    if event.log_id != head.log_id:
        yield Finding(event.position, f"belongs to another log ({event.log_id})")
    if event.hash_version != HASH_VERSION:
        yield Finding(event.position, f"names a chain of version {event.hash_version}, which never was")
        return
    if event.salt is not None:
        if digest(event.salt, event.data) != event.data_digest:
            yield Finding(event.position, "edited: its data are not those that were written")
        if digest(event.salt, event.actor) != event.actor_digest:
            yield Finding(event.position, "edited: its actor is not the one that was written")
    elif event.data is not None or event.actor is not None:
        yield Finding(event.position, "edited: it has lost its salt but not its data")
    if _hash_of(event) != event.hash:
        yield Finding(event.position, "edited: its fields do not give its hash")


def _hash_of(event: LoggedEvent) -> bytes:
    entry = Entry(
        id=event.id,
        type=event.type,
        subject=event.subject,
        subject_version=event.subject_version,
        time=event.time,
        data=event.data or "",
        causation_id=event.causation_id,
        causation_depth=event.causation_depth,
    )
    return chained(
        hash_version=event.hash_version,
        log_id=event.log_id,
        previous=event.previous,
        position=event.position,
        entry=entry,
        recorded_at=event.recorded_at,
        data_digest=event.data_digest,
        actor_digest=event.actor_digest,
    )


async def _end(sessions: SessionFactory, tables: EventTables) -> Iterator[Finding]:
    """Compare head and log as one statement sees them, since the sequencer goes on meanwhile."""
    log_head, event_log = tables.log_head, tables.event_log
    last = select(func.coalesce(func.max(col(event_log.position)), 0)).scalar_subquery()
    hashed = (
        select(event_log.hash)
        .where(col(event_log.position) == col(log_head.position))
        .correlate(log_head)
        .scalar_subquery()
    )
    async with transaction(sessions) as session:
        statement = sqlalchemy.select(col(log_head.position), col(log_head.hash), last, hashed)
        position, hash_, ends, found = (await (await session.connection()).execute(statement)).one()
    findings = []
    if ends > position:
        findings.append(Finding(position + 1, f"inserted: the log was never longer than {position}"))
    if ends < position:
        findings.append(Finding(ends + 1, f"removed: the log was {position} long"))
    elif position and found != hash_:
        findings.append(Finding(position, "is not the event with which the log ended"))
    return iter(findings)
