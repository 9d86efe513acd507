"""Giving each event its place: one dense, chained order per log."""

import os
from collections.abc import Sequence
from datetime import datetime

from asyncpg import Connection, Pool, Record
from asyncpg.pool import PoolConnectionProxy

from shared.messaging.chain import HASH_VERSION, Entry, Head, after, link

BATCH = 1000
_SALT = 32
_ANYTHING = "select exists (select from outbox)"
_LOCK_HEAD = "select log_id, position, hash, recorded_at from log_head for update"
# By where the rows lie, not by their ids again: a third of the time. Nothing moves a row of an outbox.
_TAKE_OLDEST = """
delete from outbox where ctid = any(array(select ctid from outbox order by id limit $1))
returning id, event_id, type, subject, subject_version, "time", data, actor, causation_id, causation_depth, traceparent
"""
_MOVE_HEAD = "update log_head set log_id = $1, position = $2, hash = $3, recorded_at = $4"
_COLUMNS = (
    "position",
    "log_id",
    "id",
    "type",
    "subject",
    "subject_version",
    "time",
    "recorded_at",
    "data",
    "actor",
    "salt",
    "data_digest",
    "actor_digest",
    "causation_id",
    "causation_depth",
    "traceparent",
    "hash_version",
    "previous",
    "hash",
)


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
        entries = [_entry(row) for row in sorted(taken, key=lambda each: int(each["id"]))]
        await append(connection, head, entries, schema=schema, now=now)
    return len(taken)


async def append(
    connection: Connection | PoolConnectionProxy, head: Head, entries: Sequence[Entry], *, schema: str, now: datetime
) -> Head:
    """Put events at the end of the log, whose head row the caller's transaction has locked; the head they make."""
    salts = os.urandom(_SALT * len(entries))
    records = []
    for number, entry in enumerate(entries):
        place = link(head, entry, now=now, salt=salts[number * _SALT : (number + 1) * _SALT])
        head = after(head, place)
        records.append(
            (
                place.position,
                head.log_id,
                entry.id,
                entry.type,
                entry.subject,
                entry.subject_version,
                entry.time,
                place.recorded_at,
                entry.data,
                entry.actor,
                place.salt,
                place.data_digest,
                place.actor_digest,
                entry.causation_id,
                entry.causation_depth,
                entry.traceparent,
                HASH_VERSION,
                place.previous,
                place.hash,
            )
        )
    await connection.copy_records_to_table("event_log", schema_name=schema, columns=_COLUMNS, records=records)
    await connection.execute(_MOVE_HEAD, head.log_id, head.position, head.hash, head.recorded_at)
    return head


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


def _entry(row: Record) -> Entry:
    return Entry(
        id=row["event_id"],
        type=row["type"],
        subject=row["subject"],
        subject_version=row["subject_version"],
        time=row["time"],
        data=row["data"],
        actor=row["actor"],
        causation_id=row["causation_id"],
        causation_depth=row["causation_depth"],
        traceparent=row["traceparent"],
    )
