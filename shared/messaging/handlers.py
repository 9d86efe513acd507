"""What a capability's consumers.py offers: for each event type, what to do with a run of such events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.event import Event
from shared.messaging.outbox import Cause

E = TypeVar("E", bound=Event)


class Received(NamedTuple, Generic[E]):
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

Versioned = Sequence[tuple[int, E]]
"""States with the version of their aggregate."""


def by_version(keep: Callable[[AsyncSession, Versioned[E]], Awaitable[None]]) -> Handler:
    """The handler of a state of which only the newest version counts, whatever else its envelope says."""

    async def on_states(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
        await keep(session, [(event.subject_version, event.data) for event in events])

    return on_states
