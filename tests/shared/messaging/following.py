"""A follower for tests: a read model of units, a journal of what was applied, and a feed without HTTP."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import UnitChanged
from shared.database import transaction
from shared.messaging.applying import Handling
from shared.messaging.chain import GENESIS
from shared.messaging.consumer import Brake, Consumer
from shared.messaging.envelope import Envelope, read, structured
from shared.messaging.handlers import Handlers, InvalidEvent, Received
from shared.messaging.log import events_after, hash_at, head_of
from shared.messaging.progress import ForeignLog, Held
from tests.shared.messaging.events import NOW, Service, whole_log

SOURCE = "/steward/test/goals"
POISON = "poison"
_TABLES = (
    "create table reporting_read.seen (unit_id uuid primary key, name text not null, version bigint not null)",
    "create table reporting_read.journal (log_id uuid, position bigint, primary key (log_id, position))",
    "grant all on reporting_read.seen, reporting_read.journal to reporting",
)
_KEEP_NEWEST = text("""
insert into reporting_read.seen values (:unit_id, :name, :version)
on conflict (unit_id) do update set name = excluded.name, version = excluded.version
where excluded.version > seen.version
""")
# Two rows for one position are a primary key violation: an event that was applied twice shows itself.
_NOTE = text("insert into reporting_read.journal values (:log_id, :position)")


async def prepare(follower: Service) -> None:
    """Create the read model of the tests."""
    admin = await asyncpg.connect(follower.database.admin_url)
    for statement in _TABLES:
        await admin.execute(statement)
    await admin.close()


async def on_unit_changed(session: AsyncSession, events: Sequence[Received[UnitChanged]]) -> None:
    """Keep the newest version of each unit; a unit named «poison» is refused, one named «short» breaks a constraint."""
    for event in events:
        name = event.data.name["en"]
        if name == POISON:
            raise InvalidEvent("this unit is poison")
        values = {"unit_id": event.data.unit_id, "name": name if name != "null" else None}
        await (await session.connection()).execute(_KEEP_NEWEST, {**values, "version": event.subject_version})


async def note(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
    """Write down what was applied."""
    for event in events:
        await (await session.connection()).execute(_NOTE, {"log_id": event.log_id, "position": event.position})


UNITS: Handlers = {UnitChanged: on_unit_changed}
JOURNAL: Handlers = {UnitChanged: note}


@dataclass
class LogFeed:
    """The owner's feed, read straight from its log."""

    owner: Service
    asked: list[int] = field(default_factory=list)
    piece: int = 1000

    async def after(self, *, log_id: UUID | None, position: int, hash_: bytes, wait: float = 0) -> list[Envelope]:
        """The events that follow; no waiting."""
        self.asked.append(position)
        async with transaction(self.owner.sessions) as session:
            head = await head_of(session, self.owner.tables.log_head)
            if log_id not in (None, head.log_id) or hash_ != await hash_at(
                session, self.owner.tables.event_log, position
            ):
                raise ForeignLog("409")
            found = await events_after(session, self.owner.tables.event_log, position, limit=self.piece)
        return [read(structured(event, SOURCE, log_id=head.log_id)) for event in found]

    async def current(self) -> UUID:
        """The log's id."""
        async with transaction(self.owner.sessions) as session:
            return (await head_of(session, self.owner.tables.log_head)).log_id

    async def confirm(self, held: Held) -> bool:
        """Whether the log goes on; raises where it does not hold what the follower does."""
        return bool(await self.after(log_id=held.log_id, position=held.position, hash_=held.hash))

    async def take(self, held: Held | None) -> list[Envelope]:
        """The events after what the follower holds."""
        if held is None:
            return await self.after(log_id=None, position=0, hash_=GENESIS)
        return await self.after(log_id=held.log_id, position=held.position, hash_=held.hash)

    async def applied(self) -> None:
        """A feed needs no telling."""


@dataclass
class Batches:
    """A source that hands out what a test gives it, as Kafka would: in any pieces, again and again."""

    batches: list[list[Envelope]]
    committed: int = 0

    async def take(self, held: Held | None) -> list[Envelope]:
        """The next batch."""
        return self.batches.pop(0) if self.batches else []

    async def applied(self) -> None:
        """Count the commits."""
        self.committed += 1


def consumer_of(
    follower: Service,
    owner: Service,
    *,
    handlers: Sequence[Handlers] = (UNITS, JOURNAL),
    feed: LogFeed | None = None,
    now: Callable[[], datetime] = lambda: NOW,
    alive: Callable[[], None] = lambda: None,
    brake: Brake | None = None,
) -> Consumer:
    """The follower's consumer of the owner's log."""
    return Consumer(
        name=follower.tables.schema,
        source=owner.tables.schema,
        sessions=follower.sessions,
        tables=follower.tables,
        handling=Handling(handlers),
        feed=feed or LogFeed(owner),
        now=now,
        alive=alive,
        brake=brake,
    )


async def envelopes(owner: Service) -> list[Envelope]:
    """The owner's whole log as it is sent."""
    log_id = await LogFeed(owner).current()
    log = await whole_log(owner.sessions, owner.tables)
    return [read(structured(event, SOURCE, log_id=log_id)) for event in log]


def broken(event: Envelope) -> Envelope:
    """The event with data that break its contract."""
    document = json.loads(event.raw)
    return read(json.dumps({**document, "data": {**document["data"], "valid_from": "never"}}))


async def seen(follower: Service) -> dict[UUID, tuple[str, int]]:
    """The read model: name and version of each unit."""
    rows = await follower.pool.fetch("select unit_id, name, version from reporting_read.seen")
    return {row["unit_id"]: (row["name"], row["version"]) for row in rows}


async def applied_positions(follower: Service) -> list[int]:
    """The positions that were applied, in order of position."""
    rows = await follower.pool.fetch("select position from reporting_read.journal order by position")
    return [row["position"] for row in rows]


async def held_position(follower: Service) -> int:
    """Where the progress row of the log that is followed stands."""
    return int(await follower.pool.fetchval("select coalesce(max(position), 0) from progress where left_at is null"))
