"""Server-sent events: an answer that stays open, counted among what waits, and says something as soon as it comes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.http.streams import admitted_stream

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is still there, so that nothing between takes it for dead."""
STILL_HERE = b": still here\n\n"


Words = Callable[[], AsyncGenerator[bytes, None]]
"""Begins what a stream says, in its order; whoever begins it closes it."""


def event(name: str) -> bytes:
    """An event without more to say than its name; a browser passes on none that has no data."""
    return f"event: {name}\ndata:\n\n".encode()


class EventStream(Response):
    """An open answer: it ends with its words, with who listens, or after a quarter of an hour, and holds no connection.

    It takes its place when the answer begins, so that who finds none is told 429 and none is kept for who never came.
    """

    media_type = "text/event-stream"

    def __init__(self, request: Request, words: Words, *, caller: UUID | None = None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._request, self._words, self._caller = request, words, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say everything as it comes."""
        async with admitted_stream(self._request, self._caller):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            saying = asyncio.create_task(self._say(send))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({saying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (saying, leaving):
                    task.cancel()
                ended = await asyncio.gather(saying, leaving, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _say(self, send: Send) -> None:
        async with aclosing(self._words()) as words:
            async for word in words:
                await send({"type": "http.response.body", "body": word, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
