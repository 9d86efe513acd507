"""Who watches which scorecard: of one unit there is one look at the database, however many watch it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.reporting.scorecards.queries.stamps import state_of_results
from shared.database import SessionFactory
from shared.messaging.wakeups import APPLIED, Wakeups, pause
from shared.telemetry import in_short

AT_MOST_EVERY, AT_LEAST_EVERY = 0.5, 15.0
"""Seconds between two looks: what is applied without a break is told without haste, and no wake-up may be missed."""
log = structlog.get_logger()
Watchable = tuple[UUID, bool]
"""A unit, and whether all of its results count or the open ones alone."""


@dataclass(eq=False)
class Watch:
    """The state of a scorecard, which whoever waits is woken for."""

    state: str | None = None
    waiting: set[asyncio.Event] = field(default_factory=set)
    look_again: asyncio.Event = field(default_factory=asyncio.Event)


class WatchedScorecards:
    """The scorecards that somebody watches in this process."""

    def __init__(self, sessions: SessionFactory, wakeups: Wakeups) -> None:
        self._sessions, self._wakeups = sessions, wakeups
        self._watches: dict[Watchable, Watch] = {}
        self._looking: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._watches)

    @asynccontextmanager
    async def watched(self, what: Watchable) -> AsyncIterator[tuple[Watch, asyncio.Event]]:
        """The watch, and the event that is set when its state changes or this process stops."""
        with self._wakeups.on() as wake:
            if what not in self._watches:
                self._watches[what] = Watch()
                looking = asyncio.create_task(self._look(what, self._watches[what]), name="watched scorecard")
                self._looking.add(looking)
                looking.add_done_callback(self._looking.discard)
            watch = self._watches[what]
            watch.waiting.add(wake)
            try:
                yield watch, wake
            finally:
                watch.waiting.remove(wake)
                if not watch.waiting:
                    del self._watches[what]
                    # It ends by itself: a look that is cut off would cost a connection.
                    watch.look_again.set()

    async def ended(self) -> None:
        """Wait for the looks that nobody waits for any more: each gives its connection back."""
        await asyncio.gather(*self._looking)

    async def _look(self, what: Watchable, watch: Watch) -> None:
        with self._wakeups.on(APPLIED) as watch.look_again:
            while watch.waiting:
                watch.look_again.clear()
                try:
                    async with self._sessions() as session, session.begin():
                        state = await state_of_results(session, *what)
                except Exception as error:
                    log.warning("scorecard_not_looked_at", unit=str(what[0]), error=in_short(error))
                else:
                    if state != watch.state:
                        watch.state = state
                        for wake in watch.waiting:
                            wake.set()
                if watch.waiting:
                    await asyncio.sleep(AT_MOST_EVERY)
                    await pause(AT_LEAST_EVERY, watch.look_again)
