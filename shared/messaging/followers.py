"""Who follows this log and what they hold of it: what each said when it last asked the feed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import SessionFactory, transaction
from shared.messaging.tables import EventTables

AT_MOST_EVERY = 1.0
"""Seconds between two notes about one follower."""
NAME_IS_FREE_AFTER = timedelta(days=1)
"""A follower that comes back with another identity at its issuer gets its name back after so long."""
MOST_NAMES = 1000


@dataclass(frozen=True, slots=True)
class Follower:
    """A follower, and the last event that it said it had applied."""

    consumer: str
    log_id: UUID | None
    position: int
    hash: bytes | None
    asked_at: datetime


class Notes:
    """What one process notes of its followers: at most once a second for each, so that a busy feed writes little."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def due(self, consumer: str) -> bool:
        """Whether it is time to write the follower down again; counts as written then."""
        now = asyncio.get_running_loop().time()
        if now - self._noted.get(consumer, -AT_MOST_EVERY) < AT_MOST_EVERY:
            return False
        if len(self._noted) >= MOST_NAMES:
            self._noted.clear()
        self._noted[consumer] = now
        return True


async def note(sessions: SessionFactory, tables: EventTables, held: Follower, *, principal: UUID) -> None:
    """Write down what a follower holds, also where it is not what this log has: then it is evidence.

    A name belongs to who used it first, so that nobody can speak for another.
    """
    follower = tables.follower
    values = {
        "consumer": held.consumer,
        "principal": principal,
        "log_id": held.log_id,
        "position": held.position,
        "hash": held.hash,
        "asked_at": held.asked_at,
    }
    statement = insert(follower).values(values)
    async with transaction(sessions) as session:
        await session.exec(
            statement.on_conflict_do_update(
                index_elements=["consumer"],
                set_=values,
                where=or_(
                    col(follower.principal) == principal,
                    col(follower.asked_at) < held.asked_at - NAME_IS_FREE_AFTER,
                ),
            )
        )


async def followers_of(session: AsyncSession, tables: EventTables) -> list[Follower]:
    """Everybody who has followed this log's feed under a name, by name."""
    follower = tables.follower
    rows = (await session.exec(select(follower).order_by(col(follower.consumer)))).all()
    return [Follower(row.consumer, row.log_id, row.position, row.hash, row.asked_at) for row in rows]
