"""How large a body may be, enforced by its Content-Length and again while it streams in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SINGLE = 64 * 1024
BATCH = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes that a body may have: for one thing, for paths ending in `:batch`, for paths with a limit of their own."""

    single: int = SINGLE
    batch: int = BATCH
    paths: Mapping[str, int] = field(default_factory=dict)
    """From the end of a path to its limit, such as `{":import": 50_000_000}`."""

    def of(self, path: str) -> int:
        """The limit that holds for a path."""
        for ending, limit in self.paths.items():
            if path.endswith(ending):
                return limit
        return self.batch if path.endswith(":batch") else self.single


class LimitBodies:
    """Answers 413 as soon as a body is known to be too large, without reading the rest."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives; the error is raised where the body is read, so that it becomes a problem."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        limit = self.limits.of(scope["path"])
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
