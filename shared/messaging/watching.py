"""The numbers an operator watches, read from the tables every few seconds."""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from shared.database import SessionFactory, transaction
from shared.messaging import metrics
from shared.messaging.log import head_of
from shared.messaging.tables import EventTables


async def watch(sessions: SessionFactory, tables: EventTables, *, now: datetime) -> None:
    """Set the gauges of outbox, log, dead letters and publisher."""
    async with transaction(sessions) as session:
        outbox, dead_letter, cursor = tables.outbox, tables.dead_letter, tables.cursor
        depth, oldest = (await session.exec(select(func.count(), func.min(col(outbox.time))).select_from(outbox))).one()
        waiting = select(func.count()).where(col(dead_letter.resolved_at).is_(None))
        metrics.OUTBOX_DEPTH.set(depth)
        metrics.OUTBOX_OLDEST.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0)
        metrics.LOG_POSITION.set((await head_of(session, tables.log_head)).position)
        metrics.DEAD_LETTERS.set((await session.exec(waiting)).one())
        metrics.PUBLISHED_POSITION.set((await session.exec(select(func.max(col(cursor.position))))).one() or 0)
