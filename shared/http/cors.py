"""Other origins: any may read what is public, those that collect answers may send them, none with credentials."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.auth import Permitted
from shared.http.describing import calls_of

# Authorization is not among them: a page elsewhere asks as the public.
_TAKEN = "Accept, Accept-Language, Content-Type, If-None-Match, Steward-After, traceparent, X-Request-Id"
_SHOWN = "Content-Language, ETag, RateLimit, RateLimit-Policy, Retry-After, Steward-Validate-Only, X-Request-Id"
_KEPT = "600"


class _Open(NamedTuple):
    path: re.Pattern[str]
    method: str
    to: Literal["anybody", "collectors"]


class Cors:
    """Answers preflights, and says of each answer which origin may read it."""

    def __init__(self, app: ASGIApp, collectors: Sequence[str]) -> None:
        self.app = app
        self._collectors = frozenset(collectors)
        self._opened: list[_Open] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look only at requests that a page of another origin sends."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self.app(scope, receive, send)
            return
        asked = headers.get("access-control-request-method") if scope["method"] == "OPTIONS" else None
        allowed = self._allowed(scope, asked or scope["method"], origin)
        if asked is None:
            await self.app(scope, receive, _telling(send, allowed))
            return
        answer = Response(status_code=204, headers={"Vary": "Origin, Access-Control-Request-Method"})
        if allowed is not None:
            answer.headers["Access-Control-Allow-Origin"] = allowed
            answer.headers["Access-Control-Allow-Methods"] = asked
            answer.headers["Access-Control-Allow-Headers"] = _TAKEN
            answer.headers["Access-Control-Max-Age"] = _KEPT
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope, method: str, origin: str) -> str | None:
        """The origin that may read the answer: any, this one, or none."""
        if self._opened is None:
            self._opened = list(_open_routes(scope["app"]))
        for opened in self._opened:
            if opened.method == method and opened.path.match(scope["path"]):
                if opened.to == "anybody":
                    return "*"
                return origin if origin in self._collectors else None
        return None


def _telling(send: Send, allowed: str | None) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Origin")
            if allowed is not None:
                headers["Access-Control-Allow-Origin"] = allowed
                headers["Access-Control-Expose-Headers"] = _SHOWN
        await send(message)

    return told


def _open_routes(app: FastAPI) -> Iterator[_Open]:
    """What asks for no permission under /v1: reads are for anybody, writes are what people answer."""
    for context in iter_route_contexts(app.routes):
        pattern = getattr(context, "path_regex", None)
        if not isinstance(context.original_route, APIRoute) or pattern is None:
            continue
        is_public = not any(isinstance(call, Permitted) for call in calls_of(context.dependant))
        if is_public and str(context.path).startswith("/v1/"):
            for method in context.methods or ():
                yield _Open(pattern, method, "anybody" if method == "GET" else "collectors")
