"""What a service knows of its callers beside their tokens, read at most every few seconds for each."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from shared.database import SessionFactory
from shared.http.auth import Assigned, Identity

Assigning = Callable[[SessionFactory, Identity], Awaitable[Assigned]]
"""Reads what a service holds about a principal; each service gives its own."""

FRESH = 5.0
"""Seconds for which an answer is good: a block takes effect within 60 s, the way of its event included."""
_MOST = 10_000


async def nothing_assigned(_: SessionFactory, __: Identity) -> Assigned:
    """For a service that gives no roles of its own: what the token says is all."""
    return Assigned()


class KnownCallers:
    """The newest answers about principals, in memory; past the bound the longest known are asked for again."""

    def __init__(self, sessions: SessionFactory, assigning: Assigning, *, fresh: float = FRESH) -> None:
        self._sessions = sessions
        self._assigning = assigning
        self._fresh = fresh
        self._known: dict[UUID, tuple[float, Assigned]] = {}

    async def of(self, identity: Identity) -> Assigned:
        """What is assigned to an identity, as it was at most `fresh` seconds ago."""
        now = time.monotonic()
        known = self._known.get(identity.reference)
        if known is not None and now - known[0] < self._fresh:
            return known[1]
        assigned = await self._assigning(self._sessions, identity)
        self._known.pop(identity.reference, None)
        self._known[identity.reference] = (now, assigned)
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return assigned
