"""The numbers an operator watches, read from the tables every few seconds."""

from datetime import datetime

from sqlalchemy import text

from shared.database import SessionFactory, transaction
from shared.messaging import metrics
from shared.messaging.standing import Standings, write_down
from shared.messaging.state import State, Waitings, nothing_waits, state_of
from shared.messaging.tables import EventTables

# Of the service's own login: PostgreSQL shows no more of the others. An old one keeps what was deleted from going.
_OLDEST_SNAPSHOT = text(
    """
    select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float8
    from pg_stat_activity
    where datname = current_database() and backend_xmin is not null and pid <> pg_backend_pid()
    """
)


async def watch(
    sessions: SessionFactory,
    tables: EventTables,
    *,
    standings: Standings | None = None,
    waitings: Waitings = nothing_waits,
    now: datetime,
) -> None:
    """Say that this worker's parts are alive, and set the gauges of everything that may wait."""
    async with transaction(sessions) as session:
        if standings is not None:
            await write_down(session, tables.standing, standings, now=now)
        _show(await state_of(session, tables, now=now), now)
        for waiting in await waitings(session):
            metrics.WAITING.labels(waiting.name).set(waiting.count)
        connection = await session.connection()
        metrics.OLDEST_SNAPSHOT.set((await connection.execute(_OLDEST_SNAPSHOT)).scalar_one())


def _show(state: State, now: datetime) -> None:
    log = state.log
    metrics.OUTBOX_DEPTH.set(log.waiting)
    metrics.OUTBOX_OLDEST.set(max(0.0, (now - log.oldest).total_seconds()) if log.oldest else 0)
    metrics.LOG_POSITION.set(log.position)
    published = log.published or 0
    metrics.PUBLISHED_POSITION.set(published)
    metrics.UNPUBLISHED.set(log.position - published if state.runs("publisher") else 0)
    unanchored = log.unanchored_since if state.runs("anchor") else None
    metrics.UNANCHORED.set((now - unanchored).total_seconds() if unanchored else 0)
    metrics.DEAD_LETTERS.set(sum(each.count for each in state.set_aside))
    for part in state.parts:
        metrics.PART_STOPPED.labels(part.name).set(part.state == "stopped")
    for followed in state.followed:
        metrics.CONSUMED_POSITION.labels(followed.source).set(followed.position)
        if followed.behind is not None:
            metrics.CONSUMER_BEHIND.labels(followed.source).set(followed.behind)
