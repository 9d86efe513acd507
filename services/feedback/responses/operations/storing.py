"""Writing responses: each with its work row in one statement, those that arrive together under one commit."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

import asyncpg
import structlog

from services.feedback.responses.errors import NotStored, RowRefused, TooManyAtOnce

log = structlog.get_logger()

# Responses and their work in one statement, so one round trip and one commit hold both. The order of ids lets two
# writers with the same ids wait for each other instead of deadlocking.
_STORE = """
with given as (
    select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::jsonb[], $6::date[])
        as t (survey_id, id, version, language, answers, day)
), stored as (
    insert into feedback.response (survey_id, id, version, language, answers, day)
    select survey_id, id, version, language, answers, day from given order by id
    on conflict (id) do nothing
    returning survey_id, id
), queued as (
    insert into feedback.scoring_queue (survey_id, response_id) select survey_id, id from stored
)
select id from stored
"""
_PATIENCE = 10.0
"""Seconds: longer than any statement here takes; who waits so long does better to try again."""


class Row(NamedTuple):
    """One response as it is stored."""

    survey_id: UUID
    id: UUID
    version: int
    language: str
    answers: str
    """JSON."""
    day: date


class Storing(Protocol):
    """Something that stores one response for good."""

    async def store(self, row: Row) -> bool:
        """Whether the response is new; when this returns it is committed."""
        ...


class SharedCommit:
    """Stores responses of concurrent requests together: one statement and one commit for all that wait.

    Nobody is kept waiting for others to come: a writer takes what has gathered while it was busy. Each request is
    answered after the commit that holds its row. A row that breaks its neighbours' statement fails alone.
    """

    def __init__(self, pool: asyncpg.Pool, *, writers: int = 2, together: int = 200, waiting: int = 2_000) -> None:
        self._pool = pool
        self._writers, self._together, self._most_waiting = writers, together, waiting
        self._waiting: deque[tuple[Row, asyncio.Future[bool]]] = deque()
        self._arrived = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SharedCommit"]:
        """Write until the block is left; by then nobody waits any more, since a service ends its requests first."""
        async with asyncio.TaskGroup() as tasks:
            writers = [tasks.create_task(self._write()) for _ in range(self._writers)]
            try:
                yield self
            finally:
                for writer in writers:
                    writer.cancel()

    async def store(self, row: Row) -> bool:
        """Whether the response is new; raises TooManyAtOnce where too many wait already."""
        if len(self._waiting) >= self._most_waiting:
            raise TooManyAtOnce("More responses wait to be stored than can be held; send the same again in a moment.")
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, stored))
        self._arrived.set()
        return await stored

    async def _write(self) -> None:
        while True:
            await self._arrived.wait()
            together = [self._waiting.popleft() for _ in range(min(self._together, len(self._waiting)))]
            if not self._waiting:
                self._arrived.clear()
            if together:
                await self._flush_whatever_happens(together)

    async def _flush_whatever_happens(self, together: Sequence[tuple[Row, asyncio.Future[bool]]]) -> None:
        """Flush; whatever goes wrong in a way that nobody foresaw is told to those who wait, and the writer goes on."""
        try:
            await self._flush(together)
        except Exception as error:
            log.error("responses_not_stored", error=type(error).__name__)
            for _, stored in together:
                _fail(stored, NotStored("Nothing was stored; send the same again."))

    async def _flush(self, together: Sequence[tuple[Row, asyncio.Future[bool]]]) -> None:
        first: dict[UUID, Row] = {}
        for row, _ in together:
            first.setdefault(row.id, row)
        try:
            new = await store_many(self._pool, list(first.values()))
        except NotStored as error:
            if isinstance(error, RowRefused) and len(together) > 1:
                for each in together:
                    await self._flush([each])
                return
            for _, stored in together:
                _fail(stored, error)
            return
        for row, stored in together:
            if not stored.done():
                # Of equal ids the first one is the new one; the others are compared with it, like any repeat.
                stored.set_result(row.id in new and row is first[row.id])


def _fail(stored: asyncio.Future[bool], error: NotStored) -> None:
    if not stored.done():
        stored.set_exception(error)


async def store_many(pool: asyncpg.Pool, rows: Sequence[Row]) -> set[UUID]:
    """Store rows with different ids in one statement; the ids that were not there before."""
    if not rows:
        return set()
    columns = zip(*sorted(rows, key=lambda row: row.id), strict=True)
    async with kept_private():
        return {row["id"] for row in await pool.fetch(_STORE, *map(list, columns))}


@asynccontextmanager
async def kept_private() -> AsyncIterator[None]:
    """Make a failing statement a plain "not now": the database's own words may quote the row, so nobody logs them."""
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.error("responses_not_stored", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        by_a_row = isinstance(error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError)
        raise (RowRefused if by_a_row else NotStored)("Nothing was stored; send the same again.") from None
