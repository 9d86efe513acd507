"""Long polls, waits and event streams: counted apart from ordinary requests, so that no patient caller slows others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from starlette.requests import Request

from shared.errors import ServiceError
from shared.http.callers import Counted, counted

PER_PRINCIPAL = 5
PER_ADDRESS = 50
"""Of those who show no token: behind one address there may be a whole office."""
IN_ALL = 500
LONGEST = 15 * 60.0
"""Seconds after which a stream ends; who still wants it asks again."""
_LOOKING_AT_ONCE = 4


class TooManyStreams(ServiceError):
    """So many of your waiting requests are open already; end one, or ask again later."""

    kind = "too-many"
    code = "too_many_streams"
    title = "Too many waiting requests"
    retry = "same"
    retry_after = 5


class Streams:
    """What waits in this process, in all and for each caller."""

    def __init__(self, in_all: int = IN_ALL) -> None:
        self._in_all = in_all
        self._open: Counter[Counted] = Counter()
        self.turn = asyncio.Semaphore(_LOOKING_AT_ONCE)
        """Held by whoever looks whether something has come, so that most connections are left to ordinary requests."""

    def __len__(self) -> int:
        return self._open.total()

    def enter(self, caller: Counted) -> None:
        """Take a place, or raise TooManyStreams."""
        most = PER_PRINCIPAL if caller.is_principal else PER_ADDRESS
        if self._open[caller] >= most:
            raise TooManyStreams(f"You have {most} waiting requests open here, and no more can be open at a time.")
        if len(self) >= self._in_all:
            raise TooManyStreams(f"{self._in_all} requests are waiting here, and this process takes no more.")
        self._open[caller] += 1

    def leave(self, caller: Counted) -> None:
        """Give the place back."""
        self._open[caller] -= 1
        if not self._open[caller]:
            del self._open[caller]


@asynccontextmanager
async def admitted_stream(
    request: Request, caller_reference: UUID | None = None, *, longest: float = LONGEST
) -> AsyncIterator[Streams]:
    """A place among what waits here, for at most a quarter of an hour: then the block ends as if it were finished.

    Enter it before the answer begins, since it may be refused with 429. Without a reference the caller is known by
    its token, or else by its address.
    """
    streams: Streams = request.app.state.streams
    caller = counted(request.scope) if caller_reference is None else Counted(str(caller_reference), is_principal=True)
    streams.enter(caller)
    try:
        async with asyncio.timeout(longest) as deadline:
            yield streams
    except TimeoutError:
        if not deadline.expired():
            raise
    finally:
        streams.leave(caller)
