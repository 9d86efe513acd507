"""Handing events to the handlers of every capability: runs of one type, for the consumer to halve where one fails."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import registry
from shared.errors import RuleBroken
from shared.messaging.envelope import Envelope
from shared.messaging.handlers import Handler, Handlers, InvalidEvent, Received
from shared.telemetry import set_traceparent
from shared.tracing import events_span

NEVER_SUCCEEDS = (InvalidEvent, ValidationError, RuleBroken, IntegrityError, DataError)
"""Failures of the event itself. Everything else is a failure of the moment and is tried again."""

PIECE = 50
"""Events that are looked into without a pause, in about half a millisecond."""


class Handling:
    """Which handlers each type of event goes to, in the order of the capabilities."""

    def __init__(self, handlers: Sequence[Handlers]) -> None:
        gathered: dict[str, list[Handler]] = {}
        for capability in handlers:
            for contract, handler in capability.items():
                gathered.setdefault(contract.type, []).append(handler)
        self._handlers: Mapping[str, list[Handler]] = gathered

    def types_from(self, service: str) -> frozenset[str]:
        """The types that are handled here and told by a service."""
        return frozenset(each for each in self._handlers if (known := registry.find(each)) and known.owner() == service)

    def wants(self, event_type: str) -> bool:
        """Whether anybody here handles the type."""
        return event_type in self._handlers

    async def look_into(self, events: Sequence[Envelope]) -> None:
        """Read what events carry before they are applied; what is invalid is met again then.

        In pieces, between which whoever applies the events before them goes on.
        """
        for number, event in enumerate(events):
            if number % PIECE == 0:
                await asyncio.sleep(0)
            if self.wants(event.type):
                try:
                    _ = event.contents
                except (InvalidEvent, ValidationError):
                    continue

    async def apply(self, session: AsyncSession, events: Sequence[Envelope]) -> None:
        """Hand a run of one type to everybody who wants it; raises one of NEVER_SUCCEEDS for an event to set aside.

        An event that was erased from its log has nothing to hand on, and is none to set aside.
        """
        events = [event for event in events if not event.erased]
        if not events:
            return
        received = [_received(event) for event in events]
        with events_span(events[0].type, [event.traceparent for event in events]) as traceparent:
            set_traceparent(traceparent)
            try:
                for handler in self._handlers[events[0].type]:
                    await handler(session, received)
                await session.flush()
            finally:
                set_traceparent(None)

    async def attempt(self, session: AsyncSession, events: Sequence[Envelope]) -> Exception | None:
        """Apply a run behind a savepoint; gives the one of NEVER_SUCCEEDS that it was rolled back for."""
        try:
            async with session.begin_nested():
                await self.apply(session, events)
        except NEVER_SUCCEEDS as error:
            return error
        return None


def runs(events: Sequence[Envelope]) -> Iterator[list[Envelope]]:
    """Neighbours of one type together, order kept."""
    for _, run in groupby(events, key=lambda event: event.type):
        yield list(run)


def _received(event: Envelope) -> Received[Any]:
    return Received(
        data=event.contents,
        id=event.id,
        subject=event.subject,
        subject_version=event.subject_version,
        time=event.time,
        recorded_at=event.recorded_at,
        log_id=event.log_id,
        position=event.position,
        actor=event.actor,
        causation_depth=event.causation_depth,
    )
