"""How the event path of a service stands at a moment: what waits, what is behind, what has stopped and why."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.messaging.dead_letters import registry_owner
from shared.messaging.followers import followers_of
from shared.messaging.log import head_of
from shared.messaging.standing import StandingColumns
from shared.messaging.tables import EventTables

SEEN_WITHIN = timedelta(seconds=30)
"""A part that has not said for so long that it is alive does not run: it says so every five seconds."""
STOPPED_FOR = timedelta(seconds=45)
"""A part that has stopped looks again every thirty seconds and then says again why."""

PartState = Literal["running", "failing", "stopped", "not running"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of the service that waits for its worker; `name` is its label in metrics."""

    name: str
    title: str
    count: int


Waitings = Callable[[AsyncSession], Awaitable[Sequence[Waiting]]]


async def nothing_waits(_: object) -> tuple[()]:
    """A service that keeps no work of its own for its worker."""
    return ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the worker."""

    name: str
    state: PartState
    alive_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Log:
    """The service's own log, and what waits before it."""

    id: UUID
    position: int
    recorded_at: datetime
    waiting: int
    oldest: datetime | None
    published: int | None
    """Up to which position Kafka has it; None where nothing was ever published."""
    anchored: int | None = None
    """Up to which position a signed head was sent out; None where that was never done."""
    anchored_at: datetime | None = None
    begun_at: datetime | None = None
    """When its first event was recorded."""

    @property
    def unanchored_since(self) -> datetime | None:
        """Since when the log has gone on without a signed head; None where its end is signed."""
        return None if self.anchored == self.position else self.anchored_at or self.begun_at


@dataclass(frozen=True, slots=True)
class Followed:
    """The log of another service, as far as this one has applied it."""

    source: str
    position: int
    recorded_at: datetime
    head: int | None
    """Where that log ended when its owner last said so; None until it has."""
    state: PartState
    reason: str | None

    @property
    def behind(self) -> int | None:
        """How many of its events are not applied yet."""
        return None if self.head is None else max(0, self.head - self.position)


@dataclass(frozen=True, slots=True)
class Following:
    """Another that follows this log, as far as it said when it last asked the feed."""

    follower: str
    position: int
    behind: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class SetAside:
    """Events of one type that could not be applied and wait for an operator."""

    source: str
    type: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class State:
    """All of it, read in one transaction."""

    log: Log
    parts: tuple[Part, ...]
    followed: tuple[Followed, ...]
    set_aside: tuple[SetAside, ...]
    followers: tuple[Following, ...] = ()

    def runs(self, part: str) -> bool:
        """Whether some worker has this part, well or not: only those that are told where to publish or anchor do."""
        return any(each.name == part and each.state != "not running" for each in self.parts)


async def state_of(session: AsyncSession, tables: EventTables, *, now: datetime) -> State:
    """How things stand."""
    standings = (await session.exec(select(tables.standing).order_by(col(tables.standing.part)))).all()
    parts = {row.part: part_of(row, now=now) for row in standings}
    heads = {row.part: row.head for row in standings}
    progress: Any = tables.progress
    # A log that was left after a restore is followed no more.
    followed = select(progress).where(progress.left_at.is_(None)).order_by(progress.source, progress.consumer)
    rows = (await session.exec(followed)).all()
    log = await _log(session, tables)
    return State(
        log=log,
        parts=tuple(part for name, part in parts.items() if not name.startswith("consumer ")),
        followed=tuple(
            Followed(
                source=row.source,
                position=row.position,
                recorded_at=row.recorded_at,
                head=heads.get(name := f"consumer {row.source}"),
                state=parts[name].state if name in parts else "not running",
                reason=parts[name].reason if name in parts else None,
            )
            for row in rows
        ),
        set_aside=await _set_aside(session, tables),
        followers=tuple(
            Following(each.consumer, each.position, max(0, log.position - each.position), each.asked_at)
            for each in await followers_of(session, tables)
        ),
    )


def part_of(row: StandingColumns, *, now: datetime) -> Part:
    """What a part last said of itself, as it reads now."""
    state: PartState = "running"
    if row.alive_at < now - SEEN_WITHIN:
        state = "not running"
    elif row.troubled_at is not None and row.alive_at - row.troubled_at < STOPPED_FOR:
        state = "stopped" if row.stopped else "failing"
    return Part(row.part, state, row.alive_at, row.trouble if state in ("stopped", "failing") else None)


async def _log(session: AsyncSession, tables: EventTables) -> Log:
    outbox, cursor = tables.outbox, tables.cursor
    head = await head_of(session, tables.log_head)
    waiting = select(func.count(), func.min(col(outbox.time))).select_from(outbox)
    count, oldest = (await session.exec(waiting)).one()
    published = (await session.exec(select(func.max(col(cursor.position))))).one()
    newest = select(tables.anchor).order_by(col(tables.anchor.anchored_at).desc()).limit(1)
    anchor = (await session.exec(newest)).one_or_none()
    first = select(tables.event_log.recorded_at).order_by(col(tables.event_log.position)).limit(1)
    return Log(
        id=head.log_id,
        position=head.position,
        recorded_at=head.recorded_at,
        waiting=count,
        oldest=oldest,
        published=published,
        anchored=anchor.position if anchor else None,
        anchored_at=anchor.anchored_at if anchor else None,
        begun_at=(await session.exec(first)).one_or_none(),
    )


async def _set_aside(session: AsyncSession, tables: EventTables) -> tuple[SetAside, ...]:
    letter = tables.dead_letter
    statement = (
        select(letter.type, func.count(), func.min(col(letter.set_aside_at)))
        .where(col(letter.resolved_at).is_(None))
        .group_by(col(letter.type))
        .order_by(col(letter.type))
    )
    rows = (await session.exec(statement)).all()
    return tuple(SetAside(registry_owner(kind), kind, count, oldest) for kind, count, oldest in rows)
