"""Asking the owner of a log whether it still holds what we do: a topic alone would not say that it was restored."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog

from shared.messaging.envelope import Envelope
from shared.messaging.progress import Held, Stopped
from shared.telemetry import in_short

ASK_EVERY = 20.0
log = structlog.get_logger()


class Silent(Exception):
    """The log goes on, and its topic has not said so for a while: whatever the reason, its feed has what is missing."""


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

    async def confirm(self, held: Held) -> bool:
        """Whether the log goes on after what we hold; raises ForeignLog where it does not have that."""
        ...

    async def current(self) -> UUID:
        """The id that the log has now."""
        ...


class OwnersTopic:
    """A topic, whose log is compared with its owner's at the start and three times a minute."""

    def __init__(self, topic: Topic, owner: Owner, *, service: str) -> None:
        self._topic, self._owner, self._service = topic, owner, service
        self._asked_at: float | None = None
        self._log_id: UUID | None = None
        self._behind_at: Held | None = None
        """What we held when the owner last said that there is more."""

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The next events; raises ForeignLog where the owner no longer has what we hold.

        Raises Silent where it had more already when it was last asked, and neither we nor the member beside us have
        moved since. An owner that does not answer is asked again soon: its topic goes on without it. Only the first
        event of all waits for its answer, because a topic may begin with a log that was left behind since.
        """
        if held is None:
            self._log_id = self._log_id or await self._owner.current()
            return [event for event in await self._topic.take(held) if event.log_id == self._log_id]
        now = asyncio.get_running_loop().time()
        if self._asked_at is None or now - self._asked_at > ASK_EVERY:
            self._asked_at = now
            behind_at = held if await self._goes_on(held) else None
            if behind_at is not None and behind_at == self._behind_at:
                raise Silent(f"{self._service} has more than {held.position}, and its topic does not say so.")
            self._behind_at = behind_at
        return await self._topic.take(held)

    async def applied(self) -> None:
        """Pass it on."""
        await self._topic.applied()

    async def _goes_on(self, held: Held) -> bool:
        try:
            return await self._owner.confirm(held)
        except Stopped:
            raise
        except Exception as error:
            log.warning("owner_not_asked", source=self._service, error=in_short(error))
            return False
