"""Reading a log: the events after a position, in order, in pieces that fit into memory."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import bindparam, func, inspect
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.messaging.chain import GENESIS, Head
from shared.messaging.tables import EventLogColumns, LogHeadColumns

MOST_EVENTS = 1000
MOST_BYTES = 8 * 1024 * 1024


class LoggedEvent(NamedTuple):
    """One event at its place, with everything the log knows of it."""

    position: int
    log_id: UUID
    id: UUID
    type: str
    subject: UUID
    subject_version: int
    time: datetime
    recorded_at: datetime
    data: str | None
    actor: str | None
    salt: bytes | None
    data_digest: bytes
    actor_digest: bytes
    causation_id: UUID | None
    causation_depth: int
    traceparent: str | None
    hash_version: int
    previous: bytes
    hash: bytes


async def head_of(session: AsyncSession, log_head: type[LogHeadColumns]) -> Head:
    """Where the log ends now."""
    row = (await session.exec(select(log_head))).one()
    return Head(row.log_id, row.position, row.hash, row.recorded_at)


async def hash_at(session: AsyncSession, event_log: type[EventLogColumns], position: int) -> bytes | None:
    """The hash at a position, or None where the log does not reach it."""
    if position == 0:
        return GENESIS
    return (await session.exec(select(event_log.hash).where(col(event_log.position) == position))).one_or_none()


async def events_after(
    session: AsyncSession, event_log: type[EventLogColumns], position: int, *, limit: int = MOST_EVENTS
) -> Sequence[LoggedEvent]:
    """The next events in order: at most `limit`, and no more than 8 MiB of data unless one event alone has more."""
    wanted = {"after": position, "most": limit}
    return [LoggedEvent(*row) for row in (await session.exec(_next_of(event_log), params=wanted)).all()]


@cache
def _next_of(event_log: type[EventLogColumns]) -> Any:
    """The statement, made once: a follower asks it fifty times a second, and making it costs more than sending it."""
    table: Any = inspect(event_log).local_table
    columns = [table.c[name] for name in LoggedEvent._fields]
    before = func.sum(func.octet_length(table.c.data)).over(order_by=table.c.position, rows=(None, -1))
    piece = (
        sqlalchemy.select(*columns, func.coalesce(before, 0).label("before"))
        .where(table.c.position > bindparam("after"))
        .order_by(table.c.position)
        .limit(bindparam("most"))
        .subquery()
    )
    return (
        sqlalchemy.select(*(piece.c[column.name] for column in columns))
        .where(piece.c.before < MOST_BYTES)
        .order_by(piece.c.position)
    )
