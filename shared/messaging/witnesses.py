"""Comparing a log with what others hold of it: followers with what they applied, anchors with what was signed.

A chain alone cannot tell that its last events were removed, or that all of it was written anew. Whoever once held its
end can.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.messaging.anchors import Anchor
from shared.messaging.chain import Head
from shared.messaging.followers import followers_of
from shared.messaging.tables import EventLogColumns, EventTables, ProgressColumns


@dataclass(frozen=True, slots=True)
class Witness:
    """Who once held which event of the log."""

    name: str
    log_id: UUID | None
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Renewal:
    """Where a log went on under a new id, and how much of the one before it still has."""

    position: int
    previous_log: UUID
    restored_to: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written, and at which position."""

    position: int
    what: str


async def own_followers(session: AsyncSession, tables: EventTables) -> list[Witness]:
    """What this service's own database remembers of its followers."""
    return [
        Witness(f"follower {each.consumer}", each.log_id, each.position, each.hash)
        for each in await followers_of(session, tables)
        if each.hash is not None and each.position
    ]


async def progress_in(session: AsyncSession, progress: type[ProgressColumns], source: str) -> list[Witness]:
    """What a follower's database says that it has applied of a service's log."""
    rows = (
        await session.exec(select(progress).where(col(progress.source) == source, col(progress.position) > 0))
    ).all()
    return [Witness(f"progress of {row.consumer}", row.log_id, row.position, row.hash) for row in rows]


def anchored(anchors: Sequence[Anchor], *, service: str) -> list[Witness]:
    """The anchors of a service's log among those that were found."""
    return [
        Witness(f"anchor of {each.at:%Y-%m-%d %H:%M}", each.log, each.position, bytes.fromhex(each.hash))
        for each in anchors
        if each.service == service and each.position
    ]


async def contradictions(
    session: AsyncSession,
    event_log: type[EventLogColumns],
    head: Head,
    witnesses: Sequence[Witness],
    renewals: Sequence[Renewal],
) -> list[Finding]:
    """Each witness that holds something else than the log; what a restore is known to have lost is none."""
    told = [each for each in witnesses if not _lost(each, renewals)]
    positions = {each.position for each in told if each.position <= head.position}
    rows = await session.exec(select(event_log.position, event_log.hash).where(col(event_log.position).in_(positions)))
    return list(_compared(told, head, dict(rows.all()), {each.previous_log for each in renewals}))


def _compared(witnesses: Sequence[Witness], head: Head, hashes: dict[int, bytes], left: set[UUID]) -> Iterator[Finding]:
    for witness in witnesses:
        if witness.log_id is not None and witness.log_id != head.log_id and witness.log_id not in left:
            yield Finding(witness.position, f"{witness.name} holds it of another log ({witness.log_id})")
        elif witness.position > head.position:
            yield Finding(
                head.position + 1,
                f"removed at the end: the log ends at {head.position}, but {witness.name} holds {witness.position}",
            )
        elif hashes.get(witness.position) != witness.hash:
            yield Finding(witness.position, f"is not the event that {witness.name} holds")


def _lost(witness: Witness, renewals: Sequence[Renewal]) -> bool:
    """Whether a witness speaks of what a restore has lost, then or later, as the log itself tells."""
    for number, each in enumerate(renewals):
        if each.previous_log == witness.log_id:
            return witness.position > min(later.restored_to for later in renewals[number:])
    return False
