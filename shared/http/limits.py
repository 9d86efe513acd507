"""How large a body may be, enforced by its Content-Length and again while it streams in."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SINGLE = 64 * 1024
BATCH = 2 * 1024 * 1024
"""Bytes that a body may have: for one thing, and for paths ending in `:batch`."""


class LimitBodies:
    """Answers 413 as soon as a body is known to be too large, without reading the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives; the error is raised where the body is read, so that it becomes a problem."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        limit = BATCH if scope["path"].endswith(":batch") else SINGLE
        announced = _content_length(scope)
        received = 0

        async def counted() -> Message:
            nonlocal received
            # Announced too large: nothing is read at all.
            if announced > limit:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_large(limit: int) -> HTTPException:
    # An HTTPException, because FastAPI turns any other error of a body into 400.
    return HTTPException(413, f"A body may have at most {limit // 1024} KiB here; send fewer items at a time.")
