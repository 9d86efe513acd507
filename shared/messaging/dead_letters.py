"""Events that could not be applied: set aside with the reason, listed, replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from shared.contracts import registry
from shared.database import SessionFactory, transaction
from shared.messaging.applying import NEVER_SUCCEEDS, Handling
from shared.messaging.envelope import Envelope, read
from shared.messaging.progress import progress_for_update
from shared.messaging.tables import DeadLetterColumns, EventTables
from shared.telemetry import in_short


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did with one dead letter; no reason means that it is applied now."""

    position: int
    type: str
    subject: UUID
    reason: str | None


async def set_aside(
    session: AsyncSession,
    dead_letter: type[DeadLetterColumns],
    event: Envelope,
    *,
    consumer: str,
    reason: str,
    now: datetime,
) -> None:
    """Keep an event with its bytes and the reason."""
    statement = insert(dead_letter).values(
        consumer=consumer,
        log_id=event.log_id,
        position=event.position,
        event_id=event.id,
        type=event.type,
        subject=event.subject,
        subject_version=event.subject_version,
        envelope=event.text,
        reason=reason,
        set_aside_at=now,
        resolved_at=None,
    )
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["consumer", "log_id", "position"],
            set_={"reason": statement.excluded.reason, "resolved_at": None},
        )
    )


async def unresolved(session: AsyncSession, dead_letter: type[DeadLetterColumns]) -> Sequence[DeadLetterColumns]:
    """Every dead letter that still waits, in order."""
    statement = select(dead_letter).where(col(dead_letter.resolved_at).is_(None))
    return (await session.exec(statement.order_by(col(dead_letter.log_id), col(dead_letter.position)))).all()


async def held_back_subjects(session: AsyncSession, dead_letter: type[DeadLetterColumns]) -> frozenset[UUID]:
    """The subjects of which an update waits among the dead letters; a later version of the same state ends that."""
    return frozenset((await session.exec(_held_back(dead_letter))).all())


@cache
def _held_back(dead_letter: type[DeadLetterColumns]) -> SelectOfScalar[UUID]:
    return select(dead_letter.subject).where(col(dead_letter.resolved_at).is_(None)).distinct()


async def count_between(
    session: AsyncSession, dead_letter: type[DeadLetterColumns], *, consumer: str, log_id: UUID, after: int, up_to: int
) -> int:
    """How many events of a stretch of a log wait among a consumer's dead letters."""
    statement = select(func.count()).where(
        col(dead_letter.consumer) == consumer,
        col(dead_letter.log_id) == log_id,
        col(dead_letter.position) > after,
        col(dead_letter.position) <= up_to,
        col(dead_letter.resolved_at).is_(None),
    )
    return (await session.exec(statement)).one()


async def resolve_older_states(
    session: AsyncSession, dead_letter: type[DeadLetterColumns], applied: Sequence[Envelope], *, now: datetime
) -> None:
    """A later version of a state carries all that an earlier one said, so the earlier one need not be replayed."""
    states = {
        each for each in {event.type for event in applied} if (known := registry.find(each)) and known.kind == "state"
    }
    if not states:
        return
    pairs = select(dead_letter.type, dead_letter.subject).where(col(dead_letter.resolved_at).is_(None))
    waiting = set((await session.exec(pairs)).all())
    for event in applied:
        if event.type in states and (event.type, event.subject) in waiting:
            await session.exec(
                update(dead_letter)
                .where(
                    col(dead_letter.type) == event.type,
                    col(dead_letter.subject) == event.subject,
                    col(dead_letter.subject_version) < event.subject_version,
                    col(dead_letter.resolved_at).is_(None),
                )
                .values(resolved_at=now)
                .execution_options(synchronize_session=False)
            )


async def replay(
    sessions: SessionFactory,
    tables: EventTables,
    handling: Handling,
    *,
    now: datetime,
    position: int | None = None,
) -> list[Replayed]:
    """Try every waiting dead letter again, in order, each in a transaction of its own; or one position only."""
    async with transaction(sessions) as session:
        waiting = await unresolved(session, tables.dead_letter)
    return [
        await _replay_one(sessions, tables, handling, letter, now=now)
        for letter in waiting
        if position is None or letter.position == position
    ]


async def _replay_one(
    sessions: SessionFactory, tables: EventTables, handling: Handling, letter: DeadLetterColumns, *, now: datetime
) -> Replayed:
    event = read(letter.envelope)
    outcome = {"resolved_at": now}
    reason = None
    async with transaction(sessions) as session:
        # The consumer waits at this row meanwhile, so that no handler runs twice at the same time.
        await progress_for_update(
            session,
            tables.progress,
            consumer=letter.consumer,
            source=registry_owner(letter.type),
            log_id=letter.log_id,
            types=(),
        )
        try:
            async with session.begin_nested():
                await handling.apply(session, [event])
        except NEVER_SUCCEEDS as error:
            reason = in_short(error)
        table = tables.dead_letter
        await session.exec(
            update(table)
            .where(
                col(table.consumer) == letter.consumer,
                col(table.log_id) == letter.log_id,
                col(table.position) == letter.position,
            )
            .values(**(outcome if reason is None else {"reason": reason}))
            .execution_options(synchronize_session=False)
        )
    return Replayed(letter.position, letter.type, letter.subject, reason)


def registry_owner(event_type: str) -> str:
    """The service that tells a type: the second word of its name."""
    return event_type.split(".")[1]
