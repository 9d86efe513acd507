"""Erasing what events of the log say: their data, actor and salt go, their place in the chain stays.

The operation runs as the owner of the schema and in the transaction that tells of it; a trigger on the log refuses
everything else. Followers empty the copies that they had set aside, and hand on what their capabilities keep of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import registry
from shared.contracts.logs import ERASED, DataErased, ErasedEvent
from shared.database import SessionFactory, transaction
from shared.errors import Conflict, NotFound, RuleBroken
from shared.messaging.envelope import read, without_data
from shared.messaging.handlers import Handlers, Received
from shared.messaging.outbox import publish
from shared.messaging.tables import DeadLetterColumns, EventTables

MOST_IN_ONE = 1000
"""Events that one `data.erased` names, so that it fits into an event itself."""


class NothingToErase(NotFound):
    """The log holds no such event, or it was erased before."""

    code = "nothing_to_erase"
    title = "Nothing to erase"


class KeepsTheLog(RuleBroken):
    """What happened to the log, and who may do what, names nobody: without it nothing could be checked or refused."""

    code = "keeps_the_log"
    title = "This event cannot be erased"


class NotNumberedYet(Conflict):
    """Part of what is to be erased is not in the log yet."""

    code = "not_numbered_yet"
    title = "Not everything is in the log yet"


async def erase(
    sessions: SessionFactory,
    tables: EventTables,
    *,
    positions: Sequence[int] = (),
    subjects: Sequence[UUID] = (),
    case: str,
    now: datetime,
) -> list[ErasedEvent]:
    """Erase events at these positions and all about these subjects, and tell of it, in one transaction.

    The sessions are an administrator's; the work is done as the schema's owner.
    """
    event_log, log_head = tables.event_log, tables.log_head
    contract = _of_owner(tables.schema)
    async with transaction(sessions) as session:
        connection = await session.connection()
        await connection.execute(text(f"set local role {tables.schema}_owner"))
        head = (await session.exec(select(log_head).with_for_update())).one()
        # Under the lock of the head nothing is numbered: what waits now would come into the log with all its data.
        outbox = tables.outbox
        if (
            subjects
            and (await session.exec(select(outbox.id).where(col(outbox.subject).in_(subjects)).limit(1))).first()
        ):
            raise NotNumberedYet("Events about this subject wait to be numbered; erase once the worker has done so.")
        chosen = or_(col(event_log.position).in_(positions), col(event_log.subject).in_(subjects))
        rows = (
            await session.exec(
                select(event_log.position, event_log.id, event_log.subject, event_log.type)
                .where(chosen, col(event_log.salt).is_not(None))
                .order_by(col(event_log.position))
            )
        ).all()
        if absent := sorted(set(positions) - {row[0] for row in rows}):
            raise NothingToErase(
                f"The log of {tables.schema} ends at position {head.position}; these positions are not in it or were "
                f"erased before: {', '.join(map(str, absent))}."
            )
        if not rows:
            raise NothingToErase(
                f"The log of {tables.schema} holds nothing unerased about {', '.join(map(str, subjects))}."
            )
        if kept := [row[0] for row in rows if (known := registry.find(row[3])) and not known.erasable]:
            raise KeepsTheLog(f"The event at position {kept[0]} names nobody, and others rely on it: it stays.")
        erased = [ErasedEvent(position=row[0], id=row[1], subject=row[2]) for row in rows]
        for first in range(0, len(erased), MOST_IN_ONE):
            publish(
                session,
                tables.outbox,
                contract(case=case, events=erased[first : first + MOST_IN_ONE]),
                subject=head.log_id,
                subject_version=head.position + 1 + first // MOST_IN_ONE,
                now=now,
            )
        await session.flush()
        await session.exec(
            update(event_log)
            .where(col(event_log.position).in_([each.position for each in erased]))
            .values(data=None, actor=None, salt=None)
            .execution_options(synchronize_session=False)
        )
    return erased


def handlers_of(tables: EventTables) -> Handlers:
    """What every follower does when a log that it follows has erased events: its dead letters forget what they said."""

    async def on_data_erased(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
        for event in events:
            await _forget(session, tables.dead_letter, event.data, at=event.recorded_at)

    return dict.fromkeys(ERASED, on_data_erased)


async def _forget(
    session: AsyncSession, dead_letter: type[DeadLetterColumns], told: DataErased, *, at: datetime
) -> None:
    """Empty the dead letters among the erased events; the reason may quote what was wrong, and goes too."""
    gone = col(dead_letter.event_id).in_([each.id for each in told.events])
    for letter in (await session.exec(select(dead_letter).where(gone))).all():
        letter.envelope = without_data(read(letter.envelope))
        letter.reason = "Its data were erased."
        letter.resolved_at = letter.resolved_at or at
        session.add(letter)


def _of_owner(service: str) -> type[DataErased]:
    return next(each for each in ERASED if each.owner() == service)
