"""Asking the owner of a log whether it still holds what we do: a topic alone would not say that it was restored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from shared.messaging.envelope import Envelope
from shared.messaging.progress import Held, Stopped
from shared.telemetry import in_short

ASK_EVERY = 60.0
log = structlog.get_logger()


class Topic(Protocol):
    """Where the events come from."""

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The next events, soon."""
        ...

    async def applied(self) -> None:
        """What was taken is applied and committed."""
        ...


class Owner(Protocol):
    """The feed of the service whose log it is."""

    async def confirm(self, held: Held) -> None:
        """Raise ForeignLog where the log does not hold what we do."""
        ...

    async def current(self) -> UUID:
        """The id that the log has now."""
        ...


class OwnersTopic:
    """A topic, whose log is compared with its owner's at the start and once a minute."""

    def __init__(self, topic: Topic, owner: Owner, *, service: str) -> None:
        self._topic, self._owner, self._service = topic, owner, service
        self._asked_at: float | None = None
        self._log_id: UUID | None = None

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The next events; raises ForeignLog where the owner no longer has what we hold.

        An owner that does not answer is asked again in a minute: its topic goes on without it. Only the first event
        of all waits for its answer, because a topic may begin with a log that was left behind since.
        """
        if held is None:
            self._log_id = self._log_id or await self._owner.current()
            return [event for event in await self._topic.take(held) if event.log_id == self._log_id]
        now = asyncio.get_running_loop().time()
        if self._asked_at is None or now - self._asked_at > ASK_EVERY:
            self._asked_at = now
            await self._unless_silent(lambda: self._owner.confirm(held))
        return await self._topic.take(held)

    async def applied(self) -> None:
        """Pass it on."""
        await self._topic.applied()

    async def _unless_silent(self, ask: Callable[[], Awaitable[None]]) -> None:
        try:
            await ask()
        except Stopped:
            raise
        except Exception as error:
            log.warning("owner_not_asked", source=self._service, error=in_short(error))
