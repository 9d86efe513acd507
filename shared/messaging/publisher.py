"""Sending the log to its topic: one publisher at a time, every acknowledgement awaited, never a position skipped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog

from shared.database import SessionFactory, transaction
from shared.ids import random_id
from shared.messaging import metrics
from shared.messaging.chain import GENESIS
from shared.messaging.envelope import MEDIA_TYPE, NotAnEvent, read, structured
from shared.messaging.kafka import Record, TopicEnd
from shared.messaging.log import LoggedEvent, events_after, hash_at, head_of
from shared.messaging.progress import Stopped
from shared.messaging.tables import EventTables

LEASE = 10.0
SEND_WITHIN = 6.0
"""Well inside the lease, which is taken anew before a batch that would outlast it."""
BATCH = 500
NAME = "kafka"
_CREATE = "insert into cursor (name, position, hash) values ($1, 0, $2) on conflict do nothing"
# The database's clock decides, so that the clocks of two machines need not agree.
_TAKE = f"""
update cursor set holder = $2, held_until = clock_timestamp() + interval '{LEASE} seconds'
where name = $1 and (holder is null or holder = $2 or held_until < clock_timestamp())
returning position, hash, begins
"""  # noqa: S608 - LEASE is a number above
_MOVE = f"""
update cursor set position = $3, hash = $4, held_until = clock_timestamp() + interval '{LEASE} seconds'
where name = $1 and holder = $2 and position = $5
returning name
"""  # noqa: S608 - as above
_BEGIN = "update cursor set begins = $3 where name = $1 and holder = $2"
_RELEASE = "update cursor set holder = null, held_until = null where name = $1 and holder = $2"
_MEND = "«steward events republish --from 1» sends the log again, from there or from any later position."
log = structlog.get_logger()


class ForeignTopic(Stopped):
    """The topic holds what this log does not have, or lacks what was sent: sending on would mix two histories."""


class Sends(Protocol):
    """What a publisher sends through."""

    async def send(self, records: Sequence[Record], *, within: float) -> None:
        """Return once every record is acknowledged."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


@dataclass(slots=True)
class _Lease:
    position: int
    hash: bytes
    until: float


class Publisher:
    """One process's candidate for publishing a service's log."""

    def __init__(
        self,
        *,
        sessions: SessionFactory,
        pool: asyncpg.Pool,
        tables: EventTables,
        source: str,
        sender: Sends,
        end_of_topic: Callable[[int], Awaitable[TopicEnd]],
        holder: UUID | None = None,
    ) -> None:
        self._sessions, self._pool, self._tables = sessions, pool, tables
        self._source, self._sender, self._end_of_topic = source, sender, end_of_topic
        # A process that is known by name takes the lease of its killed predecessor back at once.
        self._holder = holder or random_id()
        self._lease: _Lease | None = None

    async def step(self) -> bool:
        """Send the next batch and move the cursor; False if there was none, or if another process publishes."""
        lease = await self._leased()
        if lease is None:
            return False
        async with transaction(self._sessions) as session:
            head = await head_of(session, self._tables.log_head)
            events = await events_after(session, self._tables.event_log, lease.position, limit=BATCH)
        if not events:
            return False
        if events[0].position != lease.position + 1 or events[0].previous != lease.hash:
            raise ForeignTopic(f"The log does not go on at position {lease.position}, up to which it was sent.")
        records = [record_of(event, self._source, log_id=head.log_id) for event in events]
        await self._sender.send(records, within=SEND_WITHIN)
        return await self._moved(lease, events[-1])

    async def close(self) -> None:
        """Give the lease back and let the connection go."""
        await self._sender.close()
        if self._lease is not None:
            self._lease = None
            await self._pool.execute(_RELEASE, NAME, self._holder)

    async def _leased(self) -> _Lease | None:
        clock = asyncio.get_running_loop().time
        if self._lease is not None and clock() + SEND_WITHIN < self._lease.until:
            return self._lease
        asked = clock()
        row = await self._pool.fetchrow(_TAKE, NAME, self._holder)
        if row is None:
            if not await self._pool.fetchval("select exists (select from cursor where name = $1)", NAME):
                await self._pool.execute(_CREATE, NAME, GENESIS)
            self._lease = None
            return None
        if self._lease is None or self._lease.position != row["position"]:
            await self._compare(row["position"], row["begins"])
        self._lease = _Lease(row["position"], row["hash"], asked + LEASE)
        return self._lease

    async def _moved(self, lease: _Lease, last: LoggedEvent) -> bool:
        asked = asyncio.get_running_loop().time()
        moved = await self._pool.fetchval(_MOVE, NAME, self._holder, last.position, last.hash, lease.position)
        if moved is None:
            log.warning("publisher_lost_its_lease", position=lease.position)
            self._lease = None
            return False
        self._lease = _Lease(last.position, last.hash, asked + LEASE)
        metrics.PUBLISHED_POSITION.set(last.position)
        return True

    async def _compare(self, cursor: int, begins: int | None) -> None:
        """Check at the start that topic and log tell the same story.

        The topic may be ahead of the cursor: then we died between acknowledgement and cursor, and send again what it
        has. A late duplicate may be last, so the highest of the last messages counts. What lies before `begins` does
        not: an operator has had the log sent again after it, whatever it is.
        """
        topic = await self._end_of_topic(BATCH)
        if begins is None:
            await self._pool.execute(_BEGIN, NAME, self._holder, topic.end)
            return
        if topic.end < begins or topic.end == 0 < cursor:
            raise ForeignTopic(
                f"The topic has lost the {cursor} events that were sent to it: it was made anew. {_MEND}"
            )
        ours_on_it = topic.last[max(0, len(topic.last) - (topic.end - begins)) :]
        if not ours_on_it:
            return
        try:
            newest = max((read(raw) for raw in ours_on_it), key=lambda event: event.position)
        except NotAnEvent as error:
            raise ForeignTopic(f"The topic holds a message that is no event: {error}. {_MEND}") from error
        async with transaction(self._sessions) as session:
            head = await head_of(session, self._tables.log_head)
            ours = await hash_at(session, self._tables.event_log, newest.position)
        if newest.log_id != head.log_id or newest.hash != ours:
            raise ForeignTopic(f"The topic ends with position {newest.position} of a history that is not ours. {_MEND}")
        if newest.position < cursor:
            raise ForeignTopic(f"The topic ends at position {newest.position}, but {cursor} were sent to it. {_MEND}")


def record_of(event: LoggedEvent, source: str, *, log_id: UUID) -> Record:
    """The message for an event: the CloudEvent as one JSON text, its subject as the key."""
    # No header begins with ce_: CloudEvents SDKs would take the message for one in binary mode.
    headers = [("content-type", MEDIA_TYPE.encode())]
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    return Record(str(event.subject).encode(), structured(event, source, log_id=log_id), tuple(headers))
