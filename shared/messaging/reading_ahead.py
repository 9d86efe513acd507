"""A feed read ahead: while a full batch is applied, the next one is already on its way and looked into."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from shared.messaging.envelope import Envelope
from shared.messaging.feed import FeedSource
from shared.messaging.progress import Held

MOST_EVENTS = 1000
"""As many as a feed gives at once: after fewer there is nothing to read ahead."""
LookInto = Callable[[Sequence[Envelope]], Awaitable[None]]
"""What can be done with events before it is their turn to be applied."""


class ReadingAhead:
    """A feed as a source whose next batch is asked for before it is needed.

    What was read ahead is used only where it follows what the consumer holds by then, and anything wrong with it is
    left to the ordinary request. It is asked for without a name: the owner notes as held what is held, not what is
    read.
    """

    def __init__(self, feed: FeedSource, look_into: LookInto) -> None:
        self._feed, self._look_into = feed, look_into
        self._ahead: asyncio.Task[Sequence[Envelope]] | None = None
        self._follows: tuple[object, ...] = ()

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The events after what we hold, as soon as there are some."""
        events: Sequence[Envelope] = ()
        if held is not None and self._ahead is not None and self._follows == (held.log_id, held.position, held.hash):
            with suppress(Exception):
                events = await self._ahead
        await self.drop()
        events = events or await self._feed.take(held)
        if len(events) >= MOST_EVENTS:
            last = events[-1]
            self._follows = (last.log_id, last.position, last.hash)
            self._ahead = asyncio.create_task(self._after(last), name="reading ahead")
        return events

    async def _after(self, last: Envelope) -> Sequence[Envelope]:
        events = await self._feed.after(log_id=last.log_id, position=last.position, hash_=last.hash)
        await self._look_into(events)
        return events

    async def applied(self) -> None:
        """Nothing to tell: the next request names what we hold."""

    async def drop(self) -> None:
        """Forget what was read ahead."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()
            await asyncio.wait((ahead,))
            if not ahead.cancelled():
                ahead.exception()  # whatever it was, the ordinary request meets it again


@asynccontextmanager
async def reading_ahead(feed: FeedSource, look_into: LookInto) -> AsyncIterator[ReadingAhead]:
    """A feed read ahead while the block runs."""
    source = ReadingAhead(feed, look_into)
    try:
        yield source
    finally:
        await source.drop()
