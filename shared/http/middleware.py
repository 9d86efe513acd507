"""What every answer carries: a request id, caching that leaks nothing, headers for browsers; and no bare 500."""

import re
import time
from collections.abc import Sequence
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import MEDIA_TYPE, problem_bytes, problem_response
from shared.http.refusals import BadRequest, Internal
from shared.telemetry import FAILURES, REQUEST_SECONDS, continued, set_traceparent
from shared.tracing import RequestSpan, request_span

log = structlog.get_logger()
_HUNG_UP = 499
"""As nginx writes it: only a label of a metric, since nobody is there to be sent it."""
_SAFE_ID = re.compile(rb"^[A-Za-z0-9._-]{1,64}$")

PROBES = frozenset({"/livez", "/readyz"})
PRIVATE_CACHE = b"private, no-store"
STATIC_CACHE = b"public, max-age=3600"
DATA_POLICY = b"default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    b"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Envelope:
    """Puts each request into its context and each answer into its headers; turns an unforeseen error into a problem.

    Pure ASGI: one BaseHTTPMiddleware leaves a third of the throughput.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of connection pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_at = time.perf_counter()
        request_id, traceparent = _context_of(scope)
        # A HEAD is answered as the GET would be, without its body: monitors, caches and link checkers ask so.
        is_head = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if is_head else scope
        scope["steward.request_id"] = request_id
        with request_span(scope, traceparent) as span:
            await self._serve(scope, receive, send, span, is_head=is_head, started_at=started_at)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, span: RequestSpan, *, is_head: bool, started_at: float
    ) -> None:
        request_id = scope["steward.request_id"]
        set_traceparent(span.traceparent)
        status = 0

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A copy, since a response may be kept and sent again.
                message["headers"] = _dressed([*message["headers"]], request_id, scope)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id, trace_id=span.traceparent[3:35]):
            try:
                await self.app(scope, receive, send_dressed)
            except ClientDisconnect:
                # Hung up, or too slow with the body: nobody is left to answer, and nothing of ours has failed.
                status = status or _HUNG_UP
            except Exception:
                FAILURES.labels(self.service).inc()
                log.exception("request_failed", method=scope["method"], route=_route_of(scope))
                if status:
                    # The answer has begun: only breaking the connection tells the client that it is not whole.
                    raise
                await self._apologise(scope, receive, send_dressed)
            finally:
                status = _HUNG_UP if "steward.hung_up" in scope else status
                span.route, span.status = _route_of(scope), status
                # Probes too: one that is slow or refused says why a replica gets no requests. Alarms leave them out.
                REQUEST_SECONDS.labels(self.service, scope["method"], span.route, str(status)).observe(
                    time.perf_counter() - started_at
                )

    async def _apologise(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = Internal("Nothing was kept. Quote the request id when you report this.")
        body = problem_bytes(error, path=scope["path"], request_id=scope["steward.request_id"])
        await Response(body, 500, media_type=MEDIA_TYPE)(scope, receive, send)


def _context_of(scope: Scope) -> tuple[str, str]:
    request_id: str | None = None
    received: str | None = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE_ID.match(value):
            request_id = value.decode()
        elif name == b"traceparent":
            received = value.decode("latin-1")
    return request_id or uuid4().hex, continued(received)


def _route_of(scope: Scope) -> str:
    """The path as it is declared, so that a metric has one label for all ids."""
    return getattr(scope.get("route"), "path", "unmatched")


def _dressed(headers: list[tuple[bytes, bytes]], request_id: str, scope: Scope) -> list[tuple[bytes, bytes]]:
    """Add what is missing, on the raw list: a mapping of headers would cost every request more than all the rest."""
    given = dict(headers)
    headers.append((b"x-request-id", request_id.encode()))
    headers.append((b"x-content-type-options", b"nosniff"))
    caching = given.get(b"cache-control")
    if caching is None:
        caching = STATIC_CACHE if scope["path"].startswith("/static/") else PRIVATE_CACHE
        headers.append((b"cache-control", caching))
    # What is left to one caller is not for whoever gets the same answer out of a cache.
    if not caching.startswith(b"public"):
        headers.extend(scope.get("steward.rate", ()))
    if b"referrer-policy" not in given:
        headers.append((b"referrer-policy", b"same-origin"))
    if b"content-security-policy" not in given:
        is_page = given.get(b"content-type", b"").startswith(b"text/html")
        headers.append((b"content-security-policy", PAGE_POLICY if is_page else DATA_POLICY))
    return headers


class UnknownHost(BadRequest):
    """This service does not answer to the name in the Host header."""

    code = "unknown_host"
    title = "Unknown host"


class KnownHosts:
    """Answers only to the names it is known by, so that no link or cache can be made to carry another."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self._names = frozenset(host.lower() for host in hosts if not host.startswith("*."))
        self._endings = tuple(host[1:].lower() for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request to a known name; probes ask by address."""
        if scope["type"] == "http" and scope["path"] not in PROBES and not self._knows(scope):
            error = UnknownHost("This service does not answer to that Host.")
            await problem_response(Request(scope), error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1:
            return False
        host = named[0] if named[0].endswith("]") else named[0].rpartition(":")[0] or named[0]
        return host in self._names or host.endswith(self._endings)


def public_cache(response: Response, seconds: int) -> None:
    """Let anybody keep this answer for so long: only for routes that are public and take no credentials."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.headers["Vary"] = "Accept, Accept-Language, Origin"
