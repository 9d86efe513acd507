"""Writes that somebody waits for in this process: for each there is one look at the database, however many wait."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from shared.http.streams import Streams
from shared.messaging.wakeups import APPLIED, Wakeups, pause
from shared.telemetry import in_short

_SOON = 1.0
_POLL, _LATER = 0.05, 0.25
"""Whoever waits is woken; beside that, most writes arrive within a second, and later it is looked less often."""
_AT_MOST_EVERY = 0.01
_LOOKS_A_SECOND = 50.0
log = structlog.get_logger()
Write = tuple[str, UUID, int]
"""A service, an aggregate of it and its version."""


@dataclass(eq=False)
class _Look:
    waiting: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    again: asyncio.Event = field(default_factory=asyncio.Event)


class AwaitedWrites:
    """The looks of one process, for whoever asks: whether a write is applied is the same for all."""

    def __init__(self, wakeups: Wakeups, streams: Streams) -> None:
        self._wakeups, self._streams = wakeups, streams
        self._looks: dict[Write, _Look] = {}
        self._looking: set[asyncio.Task[None]] = set()

    @contextmanager
    def awaited(self, write: Write, applied: Callable[[], Awaitable[bool]]) -> Iterator[asyncio.Event]:
        """The event that is set once the write is applied; `applied` opens a short session of its own each time."""
        look = self._looks.get(write)
        if look is None:
            look = self._looks[write] = _Look()
            looking = asyncio.create_task(self._until_applied(look, applied), name="awaited write")
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)
        look.waiting += 1
        try:
            yield look.arrived
        finally:
            look.waiting -= 1
            if not look.waiting:
                del self._looks[write]
                # It ends by itself: a look that is cut off would cost a connection.
                look.again.set()

    async def ended(self) -> None:
        """Wait for the looks that nobody waits for any more: each gives its connection back."""
        await asyncio.gather(*self._looking)

    def pause(self, wanted: float) -> float:
        """How long to pause before looking again: all writes together are looked for fifty times a second, not each."""
        return max(wanted, len(self._looks) / _LOOKS_A_SECOND)

    async def _until_applied(self, look: _Look, applied: Callable[[], Awaitable[bool]]) -> None:
        loop = asyncio.get_running_loop()
        soon = loop.time() + _SOON
        with self._wakeups.on(APPLIED) as look.again:
            while True:
                await pause(self.pause(_POLL if loop.time() < soon else _LATER), look.again)
                if not look.waiting:
                    return
                look.again.clear()
                try:
                    async with self._streams.turn:
                        if await applied():
                            look.arrived.set()
                            return
                except Exception as error:
                    log.warning("write_not_looked_for", error=in_short(error))
                # What is applied without a break wakes without a break.
                await asyncio.sleep(self.pause(_AT_MOST_EVERY))
