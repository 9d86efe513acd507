"""The signs of life of a worker, told to probes that ask on a thread of their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import TimeoutError as TooLate

from shared.readiness import NotReady

STUCK_AFTER = 60.0
"""Longer than what is bounded: a feed that does not answer is left after forty seconds, the longest pause is thirty."""
TURN = 1.0
ANSWER_WITHIN = 3.0


class Pulse:
    """When the loop of a worker last turned and each of its followers last did something, if only try in vain.

    Made inside the loop; `livez` and `readyz` may be called from any thread, also while the loop is stuck.
    """

    def __init__(self, ready: Callable[[], Awaitable[None]]) -> None:
        self._ready = ready
        self._loop = asyncio.get_running_loop()
        self._turned = time.monotonic()
        self._followers: dict[str, float] = {}

    async def turn(self) -> None:
        """Show that the loop turns, for as long as it does."""
        while True:
            self._turned = time.monotonic()
            await asyncio.sleep(TURN)

    def beat(self, follower: str) -> None:
        """A follower has done something: a step, a part of one, or a try that failed."""
        self._followers[follower] = time.monotonic()

    def livez(self) -> str | None:
        """Why the process should be started again; None while it lives, whatever it waits for."""
        before = time.monotonic() - STUCK_AFTER
        if self._turned < before:
            return f"The event loop has not turned for {STUCK_AFTER:.0f} seconds."
        if self._followers and max(self._followers.values()) < before:
            return f"No follower has done anything for {STUCK_AFTER:.0f} seconds: {', '.join(sorted(self._followers))}."
        return None

    def readyz(self) -> str | None:
        """Why the worker cannot work; None where its database answers and has the schema that the code needs."""
        try:
            asking = asyncio.run_coroutine_threadsafe(self._asked(), self._loop)
        except RuntimeError:
            return "The worker is ending."
        try:
            asking.result(ANSWER_WITHIN)
        except NotReady as reason:
            return str(reason)
        except TooLate:
            asking.cancel()
            return f"The database does not answer within {ANSWER_WITHIN:.0f} seconds."
        return None

    async def _asked(self) -> None:
        await self._ready()
