"""Giving each event its place: one dense, chained order per log."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter

from asyncpg import Connection, Pool
from asyncpg.pool import PoolConnectionProxy

from shared.messaging.chain import HASH_VERSION, Entry, Head, Link, after, link

BATCH = 1000
_PART = 250
"""Events that are placed and copied at a time."""
_SALT = 32
_ANYTHING = "select exists (select from outbox)"
_LOCK_HEAD = "select log_id, position, hash, recorded_at from log_head for update"
# By where the rows lie, not by their ids again: a third of the time. Nothing moves a row of an outbox.
_TAKE_OLDEST = """
delete from outbox where ctid = any(array(select ctid from outbox order by id limit $1))
returning id, event_id, type, subject, subject_version, "time", data, actor, causation_id, causation_depth, traceparent
"""
"""Its number, and then what an Entry has, in the same order."""
_MOVE_HEAD = "update log_head set log_id = $1, position = $2, hash = $3, recorded_at = $4"
_COLUMNS = (*Entry._fields, *Link._fields, "log_id", "hash_version")


async def sequence(connection: Connection | PoolConnectionProxy, *, schema: str, now: datetime) -> int:
    """Move whatever is in the outbox to the log, at most a batch, and say how many events that was.

    Never ask for "newer than the last one": ids are handed out before commit, so a slow transaction appears behind a
    faster, higher one, and a high-water mark would skip it for ever. Locking the head row is election and fence in
    one. A second sequencer waits there and then sees what the first has left.
    """
    if not await connection.fetchval(_ANYTHING):
        return 0
    async with connection.transaction():
        head = await locked_head(connection)
        # In a statement of its own, after the lock: its snapshot holds all that the sequencer before us has left.
        taken = await connection.fetch(_TAKE_OLDEST, BATCH)
        if not taken:
            return 0
        entries = [Entry(*columns) for _, *columns in sorted(taken, key=itemgetter(0))]
        await append(connection, head, entries, schema=schema, now=now)
    return len(taken)


async def append(
    connection: Connection | PoolConnectionProxy, head: Head, entries: Sequence[Entry], *, schema: str, now: datetime
) -> Head:
    """Put events at the end of the log, whose head row the caller's transaction has locked; the head they make."""
    parts = [entries[start : start + _PART] for start in range(0, len(entries), _PART)]
    records, head = _placed(parts[0], head, now)
    for following in (*parts[1:], ()):
        sent = asyncio.Event()
        copying = asyncio.create_task(_copy(connection, schema, records, sent))
        try:
            await sent.wait()
            await asyncio.sleep(0)  # what was sent leaves this process before it is busy again
            # Made while the database is at those before them: a tenth of a sequencer's time.
            records, head = _placed(following, head, now)
        finally:
            # Whatever happens, nobody else may find the connection in the midst of it.
            await copying
    await connection.execute(_MOVE_HEAD, head.log_id, head.position, head.hash, head.recorded_at)
    return head


async def _copy(
    connection: Connection | PoolConnectionProxy,
    schema: str,
    records: Sequence[tuple[object, ...]],
    sent: asyncio.Event,
) -> None:
    """Copy the rows to the log; `sent` is set once they are on their way, or never will be."""

    def each() -> Iterator[tuple[object, ...]]:
        yield from records
        sent.set()

    try:
        await connection.copy_records_to_table("event_log", schema_name=schema, columns=_COLUMNS, records=each())
    finally:
        sent.set()


def _placed(entries: Sequence[Entry], head: Head, now: datetime) -> tuple[list[tuple[object, ...]], Head]:
    """Events as rows of the log after a head, and the head they make."""
    salts = os.urandom(_SALT * len(entries))
    records: list[tuple[object, ...]] = []
    for number, entry in enumerate(entries):
        place = link(head, entry, now=now, salt=salts[number * _SALT : (number + 1) * _SALT])
        head = after(head, place)
        records.append((*entry, *place, head.log_id, HASH_VERSION))
    return records, head


async def sequence_once(pool: Pool, *, schema: str, now: datetime) -> int:
    """One batch on a connection of the pool."""
    async with pool.acquire() as connection:
        return await sequence(connection, schema=schema, now=now)


async def locked_head(connection: Connection | PoolConnectionProxy) -> Head:
    """The end of the log, which nobody else moves until the caller's transaction ends."""
    row = await connection.fetchrow(_LOCK_HEAD)
    if row is None:
        raise RuntimeError("The log has no head row: its first migration has not run.")
    return Head(row["log_id"], row["position"], row["hash"], row["recorded_at"])
