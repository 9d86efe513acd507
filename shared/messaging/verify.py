"""Checking a log against its own chain, and against everybody who holds a part of it.

What was edited, inserted, swapped or removed shows where the chain breaks; what was removed at the end, or written
anew as a whole, shows where a follower or an anchor holds something else.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.logs import ERASED, RENEWED
from shared.database import SessionFactory, transaction
from shared.messaging.chain import GENESIS, HASH_VERSION, Entry, Head, chained, digest
from shared.messaging.log import LoggedEvent, events_after, head_of
from shared.messaging.tables import EventTables
from shared.messaging.witnesses import Finding, Renewal, Witness, contradictions, own_followers

MOST_FINDINGS = 100
"""Where one history was put in place of another nearly every event differs; the first ones say enough."""
_ERASED = frozenset(each.type for each in ERASED)
_RENEWED = frozenset(each.type for each in RENEWED)


@dataclass(slots=True)
class Verified:
    """What a check has seen."""

    head: Head
    events: int = 0
    erased: list[int] = field(default_factory=list)
    """Positions whose data were erased by the operation for that; the chain holds without them."""
    renewals: list[Renewal] = field(default_factory=list)
    """Where the log went on under a new id after a restore."""
    witnesses: int = 0
    """How many others were asked what they hold."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(slots=True)
class _Reading:
    """What is known of the events read so far."""

    before: LoggedEvent | None = None
    empty: dict[UUID, int] = field(default_factory=dict)
    """Events without data, which a later `data.erased` has to name."""
    renewals: list[Renewal] = field(default_factory=list)


async def verify(
    sessions: SessionFactory,
    tables: EventTables,
    *,
    witnesses: Sequence[Witness] = (),
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Verified:
    """Read the whole log, in short transactions, compute its chain again, and compare it with who holds parts of it.

    The followers that this database remembers are witnesses too, besides those that are handed in.
    """
    async with transaction(sessions) as session:
        head = await head_of(session, tables.log_head)
    verified, reading = Verified(head), _Reading()
    named: set[UUID] = set()
    while len(verified.findings) < MOST_FINDINGS and _position(reading.before) < head.position:
        async with transaction(sessions) as session:
            events = await events_after(session, tables.event_log, _position(reading.before))
        if not events:
            break
        for event in events:
            verified.findings.extend(_findings(event, reading))
            verified.events += 1
            if event.salt is None:
                reading.empty[event.id] = event.position
            if event.type in _ERASED:
                named |= _named(event.data)
            reading.before = event
        report(_position(reading.before), head.position)
    async with transaction(sessions) as session:
        named |= await _told_since(session, tables, _position(reading.before))
        held = [*await own_followers(session, tables), *witnesses]
        verified.findings.extend(await contradictions(session, tables.event_log, head, held, reading.renewals))
    verified.erased = [position for event_id, position in reading.empty.items() if event_id in named]
    verified.renewals, verified.witnesses = reading.renewals, len(held)
    verified.findings.extend(
        Finding(position, "emptied: no event of the log tells that its data were erased")
        for event_id, position in reading.empty.items()
        if event_id not in named
    )
    if len(verified.findings) < MOST_FINDINGS:
        verified.findings.extend(await _end(sessions, tables, reading.before))
    verified.findings.sort(key=lambda finding: finding.position)
    del verified.findings[MOST_FINDINGS:]
    return verified


def _position(event: LoggedEvent | None) -> int:
    return event.position if event else 0


def _findings(event: LoggedEvent, reading: _Reading) -> Iterator[Finding]:
    before = reading.before
    expected = _position(before) + 1
    if event.position > expected:
        gone = str(expected) if event.position == expected + 1 else f"{expected} to {event.position - 1}"
        yield Finding(expected, f"removed: there is nothing at position {gone}")
    elif event.previous != (before.hash if before else GENESIS):
        yield Finding(event.position, "does not continue the event before it: one of the two is not what was written")
    if before and event.log_id != before.log_id:
        renewal = _renewal(event)
        if renewal is None or renewal.previous_log != before.log_id:
            yield Finding(event.position, f"belongs to another log ({event.log_id})")
        else:
            reading.renewals.append(renewal)
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


def _renewal(event: LoggedEvent) -> Renewal | None:
    """The restore that an event tells of, where it does."""
    if event.type not in _RENEWED or (told := _data(event.data)) is None:
        return None
    try:
        return Renewal(event.position, UUID(told["previous_log"]), int(told["restored_to"]))
    except (KeyError, TypeError, ValueError):
        return None


def _named(data: str | None) -> set[UUID]:
    """The events that a `data.erased` names."""
    try:
        return {UUID(each["id"]) for each in (_data(data) or {})["events"]}
    except (KeyError, TypeError, ValueError):
        return set()


def _data(data: str | None) -> dict[str, Any] | None:
    """The data of an event, which may have been tampered with."""
    try:
        read = json.loads(data or "")
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


async def _told_since(session: AsyncSession, tables: EventTables, position: int) -> set[UUID]:
    """What was erased a moment ago: the event that tells of it waits for its position, or came after the last read."""
    outbox, event_log = tables.outbox, tables.event_log
    waiting = (await session.exec(select(outbox.data).where(col(outbox.type).in_(_ERASED)))).all()
    later = select(event_log.data).where(col(event_log.position) > position, col(event_log.type).in_(_ERASED))
    return {event_id for data in [*waiting, *(await session.exec(later)).all()] for event_id in _named(data)}


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


async def _end(sessions: SessionFactory, tables: EventTables, last_read: LoggedEvent | None) -> list[Finding]:
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
        statement = sqlalchemy.select(col(log_head.position), col(log_head.hash), last, hashed, col(log_head.log_id))
        position, hash_, ends, found, log_id = (await (await session.connection()).execute(statement)).one()
    findings = []
    if ends > position:
        findings.append(Finding(position + 1, f"inserted: the log was never longer than {position}"))
    if ends < position:
        findings.append(Finding(ends + 1, f"removed: the log was {position} long"))
    elif position and found != hash_:
        findings.append(Finding(position, "is not the event with which the log ended"))
    if last_read is not None and last_read.position == position and last_read.log_id != log_id:
        findings.append(Finding(position, f"belongs to another log ({last_read.log_id}) than the head says ({log_id})"))
    return findings
