"""What a capability's consumers.py offers: for each event type, what to do with a run of such events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.event import Event
from shared.messaging.outbox import Cause

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """An event as it arrived: its data, and what the envelope says of it."""

    data: E
    id: UUID
    subject: UUID
    subject_version: int
    time: datetime
    recorded_at: datetime
    log_id: UUID
    position: int
    actor: str | None
    causation_depth: int

    @property
    def as_cause(self) -> Cause:
        """This event as the cause of another."""
        return Cause(event_id=self.id, depth=self.causation_depth)


class InvalidEvent(Exception):
    """This event will never succeed: unreadable, or it breaks the contract. Everything else is retried."""


Handler = Callable[[AsyncSession, Sequence[Received[Any]]], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]
"""A handler gets neighbours of one type, in order, inside the consumer's transaction; it must not commit."""
