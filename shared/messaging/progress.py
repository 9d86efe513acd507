"""One row per consumer and log: how far it has come, and the fence between two members."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.messaging.chain import GENESIS
from shared.messaging.envelope import Envelope
from shared.messaging.tables import ProgressColumns

BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


class Stopped(Exception):
    """The consumer or publisher has stopped and says why; going on would do harm."""


class ForeignLog(Stopped):
    """This is not the log we have followed so far: another log, or one that was restored or rewritten."""


class Gap(Exception):
    """The batch begins later than our position: what lies between is fetched from the owner's feed."""

    def __init__(self, held: "Held", before: int) -> None:
        super().__init__(f"Positions {held.position + 1} to {before - 1} are missing.")
        self.held = held
        self.before = before


@dataclass(frozen=True, slots=True)
class Held:
    """What a consumer has applied of a log."""

    consumer: str
    source: str
    log_id: UUID
    position: int
    hash: bytes
    recorded_at: datetime
    types: tuple[str, ...]


async def progress_of(
    session: AsyncSession, progress: type[ProgressColumns], consumer: str, source: str
) -> Held | None:
    """How far the consumer is in the log of a service, or None before its first event."""
    row = (await session.exec(_followed(progress), params={"of": consumer, "from": source})).one_or_none()
    return None if row is None else _held(row)


async def progress_for_update(
    session: AsyncSession,
    progress: type[ProgressColumns],
    *,
    consumer: str,
    source: str,
    log_id: UUID,
    types: Iterable[str],
) -> Held:
    """The locked row of the log that is followed, made where this is the first one that the service shows us.

    `log_id` is that of what has arrived: the one followed, or one that was left for it; raises ForeignLog otherwise.
    """
    rows = await _locked(session, progress, consumer=consumer, source=source)
    if not rows:
        await session.exec(
            insert(progress)
            .values(
                consumer=consumer,
                log_id=log_id,
                source=source,
                position=0,
                hash=GENESIS,
                recorded_at=BEFORE_ALL,
                types=sorted(types),
            )
            .on_conflict_do_nothing()
        )
        rows = await _locked(session, progress, consumer=consumer, source=source)
    (followed,) = (row for row in rows if row.left_at is None)
    if log_id not in {row.log_id for row in rows}:
        raise ForeignLog(
            f"{source} shows the log {log_id}; {consumer} has followed {followed.log_id}. If {source} was restored, "
            f"«steward events rebase --service {consumer} --source {source}» goes over to its new log."
        )
    return _held(followed)


async def _locked(
    session: AsyncSession, progress: type[ProgressColumns], *, consumer: str, source: str
) -> Sequence[ProgressColumns]:
    rows: Sequence[ProgressColumns] = (
        await session.exec(_lock(progress), params={"of": consumer, "from": source})
    ).all()
    return rows


def continuing(held: Held, arrived: Sequence[Envelope]) -> list[Envelope]:
    """The part of a batch that goes on where we are; raises Gap, or ForeignLog where the chain does not fit."""
    fresh: list[Envelope] = []
    position, hashed = held.position, held.hash
    for event in arrived:
        if event.log_id != held.log_id:
            continue  # of a log that was left for this one: a topic may hold such messages for long
        if event.position <= held.position:
            # Recorded time rises with position, so a redelivery is never younger than what we hold.
            if event.recorded_at > held.recorded_at:
                raise ForeignLog(f"{held.source} numbers again: position {event.position} is younger than ours.")
            continue
        if event.position <= position:
            continue
        if event.position > position + 1:
            if fresh:
                return fresh
            raise Gap(held, event.position)
        if event.previous != hashed:
            raise ForeignLog(f"At position {event.position}, {held.source} continues another history than ours.")
        fresh.append(event)
        position, hashed = event.position, event.hash
    return fresh


async def advance(session: AsyncSession, progress: type[ProgressColumns], held: Held, last: Envelope) -> None:
    """Remember that everything up to an event is applied, in the transaction that applied it."""
    reached = {"position": last.position, "hash": last.hash, "recorded_at": last.recorded_at}
    await session.exec(_advance(progress), params={"of": held.consumer, "log": held.log_id, **reached})


async def record_types(
    session: AsyncSession, progress: type[ProgressColumns], held: Held, types: Iterable[str]
) -> None:
    """Remember which types were applied up to our position."""
    await session.exec(
        update(progress)
        .where(col(progress.consumer) == held.consumer, col(progress.log_id) == held.log_id)
        .values(types=sorted(types))
        .execution_options(synchronize_session=False)
    )


@cache
def _followed(progress: type[ProgressColumns]) -> Any:
    return select(progress).where(*_of_source(progress), col(progress.left_at).is_(None))


@cache
def _lock(progress: type[ProgressColumns]) -> Any:
    """Made once, like its neighbours, since every batch needs it: making a statement costs more than sending it."""
    return (
        select(progress)
        .where(*_of_source(progress))
        .order_by(col(progress.log_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


@cache
def _advance(progress: type[ProgressColumns]) -> Any:
    new: dict[str, Any] = {name: bindparam(name) for name in ("position", "hash", "recorded_at")}
    return (
        update(progress)
        .where(col(progress.consumer) == bindparam("of"), col(progress.log_id) == bindparam("log"))
        .values(new)
        .execution_options(synchronize_session=False)
    )


def _of_source(progress: type[ProgressColumns]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(progress.consumer) == bindparam("of"), col(progress.source) == bindparam("from")


def _held(row: ProgressColumns) -> Held:
    return Held(row.consumer, row.source, row.log_id, row.position, row.hash, row.recorded_at, tuple(row.types))
