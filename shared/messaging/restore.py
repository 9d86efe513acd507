"""After a restore: the owner's log gets a new id, its topic is sent again, and each follower goes over to it.

A restored log numbers its next events as it once numbered others, and those its followers have applied. So they stop
as soon as they meet it, and go on only when an operator has said so on both sides.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import delete, update
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import registry
from shared.contracts.logs import RENEWED
from shared.database import SessionFactory, transaction
from shared.errors import Conflict, NotFound
from shared.ids import new_id, random_id
from shared.messaging.applying import Handling, runs
from shared.messaging.chain import GENESIS, Entry, Head
from shared.messaging.envelope import Envelope
from shared.messaging.log import hash_at, head_of
from shared.messaging.progress import BEFORE_ALL, Held, progress_of
from shared.messaging.publisher import NAME
from shared.messaging.sequencer import append, locked_head
from shared.messaging.tables import EventTables

_SEND_AGAIN = """
update cursor set position = $2, hash = $3, holder = null, held_until = null, begins = null where name = $1
returning name
"""


class BeyondTheLog(Conflict):
    """The log does not reach that position."""

    code = "beyond_the_log"
    title = "The log does not reach that far"


class NothingPublished(NotFound):
    """The log has never been sent to a topic."""

    code = "nothing_published"
    title = "Nothing was published"


class SameLog(Conflict):
    """The owner has not given its log a new id, or the follower holds it already."""

    code = "same_log"
    title = "There is no new log to go over to"


@dataclass(frozen=True, slots=True)
class Renewed:
    """The log before and after, and the last position that both have."""

    previous_log: UUID
    head: Head
    restored_to: int


async def new_log(pool: asyncpg.Pool, tables: EventTables, *, restored_to: int | None, now: datetime) -> Renewed:
    """Give the log a new id and say so in its next event; positions go on, and the chain too.

    `restored_to` is the last position that came from the backup: by default the last there is, which is right where
    nothing has been written since. What waits in the outbox is numbered afterwards.
    """
    async with pool.acquire() as connection, connection.transaction():
        head = await locked_head(connection)
        restored_to = head.position if restored_to is None else restored_to
        if restored_to > head.position:
            raise BeyondTheLog(f"The log of {tables.schema} ends at position {head.position}, before {restored_to}.")
        contract = next(each for each in RENEWED if each.owner() == tables.schema)
        log_id = random_id()
        entry = Entry(
            id=new_id(),
            type=contract.type,
            subject=log_id,
            subject_version=1,
            time=now,
            data=contract(previous_log=head.log_id, restored_to=restored_to).model_dump_json(),
        )
        renewed = await append(
            connection,
            Head(log_id, head.position, head.hash, head.recorded_at),
            [entry],
            schema=tables.schema,
            now=now,
        )
    return Renewed(head.log_id, renewed, restored_to)


async def republish(sessions: SessionFactory, pool: asyncpg.Pool, tables: EventTables, *, first: int) -> Head:
    """Have the publisher send everything from a position on again, whatever the topic holds; the log's end.

    Followers drop what they have by its position, so that sending too much does no harm.
    """
    async with transaction(sessions) as session:
        head = await head_of(session, tables.log_head)
        before = await hash_at(session, tables.event_log, first - 1)
    if before is None or first > head.position + 1:
        raise BeyondTheLog(f"The log of {tables.schema} ends at position {head.position}, before {first}.")
    if await pool.fetchval(_SEND_AGAIN, NAME, first - 1, before) is None:
        raise NothingPublished(f"The log of {tables.schema} was never sent to Kafka: its services follow feeds.")
    return head


@dataclass(frozen=True, slots=True)
class Copies:
    """What a service has made from the log of another, and nothing else: it can be made again."""

    dropped: tuple[type[SQLModel], ...] = ()
    kept: tuple[type[SQLModel], ...] = ()
    """Stays until the new log says something else, whatever its `version`: who is blocked stays blocked meanwhile."""
    guarding: tuple[type[SQLModel], ...] = ()
    """Dropped for another log, left as it is when the same one is read again: what was withdrawn stays withdrawn."""


class Feed(Protocol):
    """The owner's feed, which has everything."""

    async def after(self, *, log_id: UUID | None, position: int, hash_: bytes) -> Sequence[Envelope]:
        """The events that follow a position and hash, none where the log ends."""
        ...


async def newest_states(feed: Feed, *, log_id: UUID, handling: Handling) -> list[Envelope]:
    """What a log says in the end of each thing whose states are kept here, those of one type together."""
    newest: dict[tuple[str, UUID], Envelope] = {}
    position, hashed = 0, GENESIS
    while events := await feed.after(log_id=log_id, position=position, hash_=hashed):
        for event in events:
            contract = registry.find(event.type)
            if contract is None or contract.kind != "state" or not handling.wants(event.type):
                continue
            held = newest.get((event.type, event.subject))
            if held is None or event.subject_version >= held.subject_version:
                newest[event.type, event.subject] = event
        position, hashed = events[-1].position, events[-1].hash
    return sorted(newest.values(), key=lambda event: event.type)


@dataclass(frozen=True, slots=True)
class Rebased:
    """From which log and position a follower went over to which."""

    left: UUID
    left_at: int
    log_id: UUID
    copies: int
    """Rows that were made from the log that was left, and are made anew from the one that is followed now."""


async def rebase(
    sessions: SessionFactory,
    tables: EventTables,
    *,
    consumer: str,
    source: str,
    log_id: UUID,
    states: Callable[[], Awaitable[Sequence[Envelope]]],
    handling: Handling,
    copies: Copies,
    now: datetime,
) -> Rebased:
    """Leave the log that was followed for the owner's new one, `log_id`, and follow that from its first event.

    What was made from the old log goes, because it may hold what the restore has lost, under numbers that the new log
    gives to something else. Effects that are more than a copy are not repeated: they know the event that caused them.

    In its place come, in the same transaction, the newest `states` of the new log. Older ones change nothing when they
    are read again, so that meanwhile no role lives that was withdrawn, nobody is let in between two blocks, and no
    unit stands where it stood once.
    """
    async with transaction(sessions) as session:
        held = await progress_of(session, tables.progress, consumer, source)
    if held is None:
        raise SameLog(f"{consumer} has not followed {source} yet: it takes whichever log there is.")
    if held.log_id == log_id:
        raise SameLog(
            f"{source} still has the log {log_id}, which {consumer} follows. Where {source} was restored, run "
            f"«steward events new-log --service {source}» first."
        )
    progress = tables.progress
    newest = await states() if copies != Copies() else ()
    async with transaction(sessions) as session:
        mine = (col(progress.consumer) == consumer, col(progress.source) == source)
        await session.exec(update(progress).where(*mine, col(progress.left_at).is_(None)).values(left_at=now))
        session.add(
            progress(
                consumer=consumer,
                log_id=log_id,
                source=source,
                position=0,
                hash=GENESIS,
                recorded_at=BEFORE_ALL,
                types=list(held.types),
            )
        )
        for table in copies.kept:
            versioned: Any = table
            await session.exec(update(table).values(version=0).where(versioned.version > 0))
        dropped = await _forget(session, tables, held, (*copies.dropped, *copies.guarding), now=now)
        for run in runs(newest):
            if await handling.attempt(session, run) is not None:
                for event in run:
                    await handling.attempt(session, [event])  # what fails is set aside when it is read again
    return Rebased(held.log_id, held.position, log_id, dropped)


async def rebuild(
    sessions: SessionFactory, tables: EventTables, *, consumer: str, source: str, copies: Copies, now: datetime
) -> int:
    """Forget what was made from the log that is followed, which its worker makes again from the first event; the rows.

    In one transaction with the position, so that nothing is missed and nothing is told twice, whoever works meanwhile.
    """
    progress = tables.progress
    async with transaction(sessions) as session:
        mine = (col(progress.consumer) == consumer, col(progress.source) == source, col(progress.left_at).is_(None))
        # First the fence: a batch that is being applied ends before anything is forgotten.
        await session.exec(select(progress.position).where(*mine).with_for_update())
        held = await progress_of(session, progress, consumer, source)
        if held is None:
            return 0
        await session.exec(update(progress).where(*mine).values(position=0, hash=GENESIS, recorded_at=BEFORE_ALL))
        return await _forget(session, tables, held, copies.dropped, now=now)


async def _forget(
    session: AsyncSession, tables: EventTables, held: Held, copies: Sequence[type[SQLModel]], *, now: datetime
) -> int:
    """Drop the copies and the dead letters of a log: they come again from its first event, or were lost with it."""
    dead_letter = tables.dead_letter
    await session.exec(
        update(dead_letter)
        .where(
            col(dead_letter.consumer) == held.consumer,
            col(dead_letter.log_id) == held.log_id,
            col(dead_letter.resolved_at).is_(None),
        )
        .values(resolved_at=now)
    )
    dropped: list[Any] = [await session.exec(delete(table)) for table in copies]
    return sum(each.rowcount for each in dropped)
