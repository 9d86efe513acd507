"""Saying something to the other services, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.event import Event
from shared.errors import RuleBroken
from shared.ids import new_id
from shared.messaging.tables import OutboxColumns
from shared.messaging.wakeups import told
from shared.telemetry import current_traceparent

LARGEST_EVENT = 256 * 1024
DEEPEST_CAUSE = 8


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that led to this one, and how many events led to that."""

    event_id: UUID
    depth: int


class EventTooLarge(RuleBroken):
    """The change is too large for one event; smaller batches will do."""

    code = "event_too_large"
    title = "Too much in one change"
    retry = "smaller"


class CauseTooDeep(RuleBroken):
    """The event would be the ninth in a chain of causes: two rules are feeding each other."""

    code = "cause_too_deep"
    title = "Events that cause each other without end"


def publish(
    session: AsyncSession,
    outbox: type[OutboxColumns],
    event: Event,
    *,
    subject: UUID,
    subject_version: int,
    now: datetime,
    actor: str | None = None,
    cause: Cause | None = None,
) -> UUID:
    """Add an event to the caller's transaction and give back its id; it is told if and only if that commits.

    The caller holds the lock of the subject's row, so that events of one subject are numbered as they happened.
    """
    data = event.model_dump_json(exclude_none=False)
    if len(data.encode()) > LARGEST_EVENT:
        raise EventTooLarge(f"One event holds at most {LARGEST_EVENT // 1024} KiB; send fewer values at a time.")
    depth = cause.depth + 1 if cause else 0
    if depth > DEEPEST_CAUSE:
        raise CauseTooDeep(f"An event may have at most {DEEPEST_CAUSE} events behind it.")
    event_id = new_id()
    session.add(
        outbox(
            event_id=event_id,
            type=event.type,
            subject=subject,
            subject_version=subject_version,
            time=now,
            data=data,
            actor=actor,
            causation_id=cause.event_id if cause else None,
            causation_depth=depth,
            traceparent=current_traceparent(),
        )
    )
    told(session)
    return event_id
