"""How a service is served: uvicorn, with an end to its patience for clients that are slow, silent or do not read."""

import asyncio
import functools
import resource
import socket
from collections.abc import Sequence
from enum import Enum
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.errors import ServiceError
from shared.http.limits import LARGEST_HEAD, LONGEST_ADDRESS, Patience
from shared.http.problems import MEDIA_TYPE, STATUS, problem_bytes
from shared.http.refusals import BadRequest
from shared.memory import spare_what_stays

GRACE = 10
"""Seconds that requests in flight get when the process is asked to stop."""
_AHEAD = 64 * 1024
"""Bytes of an answer that wait in the kernel to be sent: else it takes three megabytes from who reads nothing."""
_NOT_SENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)
"""What does not narrow the window of a fast and distant reader, as a smaller buffer would; not every system has it."""


class TooSlow(ServiceError):
    """The request did not arrive in time: its head within 5 s, its body at 1 kB/s or faster."""

    kind = "too-slow"
    code = "too_slow"
    title = "The request came too slowly"
    retry = "same"


class HeadTooLarge(ServiceError):
    """The header fields together are longer than any that are read here."""

    kind = "head-too-large"
    code = "head_too_large"
    title = "Header fields too large"


class AddressTooLong(ServiceError):
    """The address with its query is longer than any that is read here; ask for less at a time."""

    kind = "address-too-long"
    code = "address_too_long"
    title = "The address is too long"
    retry = "smaller"


class NotHttp(BadRequest):
    """What came is not HTTP/1.1; the connection is closed."""

    code = "not_http"
    title = "Not a request"


class _Refused(Exception):
    """Ends the parsing of a request."""


class Arriving(Enum):
    """Which part of a request is still on its way."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class Connection(HttpToolsProtocol):
    """One connection, looked after about once a second.

    What a request costs here is four assignments; timers of its own for each would cost more than parsing it.
    """

    def __init__(self, patience: Patience, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._patience = patience
        # Whoever connects owes us a head.
        self._arriving = Arriving.HEAD
        self._came = self._came_before = self._begun = 0
        self._error: ServiceError | None = None
        self._stage: tuple[str, int] = ("", 0)
        self._since, self._moved = 0.0, 0
        self._taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        """Begin; nothing is made far ahead of a client that does not read."""
        super().connection_made(transport)
        if _NOT_SENT is not None:
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _NOT_SENT, _AHEAD)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that goes on and on is refused."""
        if self._arriving is Arriving.HEAD and self._came - self._begun > LARGEST_HEAD:
            self._refuse(_head_too_large())
            return
        self._came_before = self._came
        self._came += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._arriving, self._begun = Arriving.HEAD, self._came_before
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is here: the application is started, unless there is too much of it."""
        if len(self.url) > LONGEST_ADDRESS:
            self._error = AddressTooLong(f"An address may have {LONGEST_ADDRESS} characters here.")
            raise _Refused
        # Nearly every head is smaller than one look at the line, so that nothing is added up for it.
        if self._came - self._begun > LARGEST_HEAD and _size(self.headers) > LARGEST_HEAD:
            self._error = _head_too_large()
            raise _Refused
        self._arriving = Arriving.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._arriving = Arriving.NOTHING
        super().on_message_complete()

    def resume_writing(self) -> None:
        """The client has read enough for more to be sent."""
        self._taken += 1
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed, or was refused while parsing."""
        self._refuse(self._error or NotHttp("What came is not a request of HTTP/1.1."))

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade is an offer that a server may pass over (RFC 9110, 7.8): no line in the log for each."""

    def look_after(self, now: float) -> None:
        """Give up on whoever has kept us waiting for too long; asked about once a second."""
        stage, moved = self._progress()
        if stage != self._stage:
            self._stage, self._since, self._moved = stage, now, moved
            return
        patience = self._patience.of(stage[0])
        if patience is None or now - self._since < patience.seconds:
            return
        if moved - self._moved >= patience.at_least:
            self._since, self._moved = now, moved
        elif stage[0] in ("reading", "unwanted") or self._came == self._begun:
            # It takes nothing from us, has its answer, or has said nothing that one would belong to.
            self.transport.abort()
        else:
            self._refuse(TooSlow("The request did not arrive in time; the connection is closed."))

    def _progress(self) -> tuple[tuple[str, int], int]:
        """What the client is to do now, and a number that grows while it does it."""
        unread = self.transport.get_write_buffer_size()
        is_answered = self.cycle is None or self.cycle.response_complete
        if self.flow.write_paused or (unread and (is_answered or self.transport.is_closing())):
            return ("reading", self._taken), -unread
        if self._arriving is Arriving.BODY and not self.flow.read_paused:
            if is_answered:
                # Whoever sends on after the answer, most likely a refusal, has time to notice and no more.
                return ("unwanted", id(self.cycle)), 0
            return ("body", id(self.cycle)), self._came
        if self._arriving is Arriving.HEAD or (is_answered and self.timeout_keep_alive_task is None):
            return ("head", id(self.cycle)), 0
        return ("", 0), 0

    def _refuse(self, error: ServiceError) -> None:
        """Say why, where nothing else has been said, and close."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        is_in_an_answer = cycle is not None and cycle.response_started and not cycle.response_complete
        if cycle is not None and not cycle.response_complete:
            # The application learns at once that nobody is there any more.
            cycle.disconnected = True
            cycle.message_event.set()
        if is_in_an_answer:
            self.transport.abort()
            return
        self.transport.write(self._last_words(error))
        self.transport.close()

    def _last_words(self, error: ServiceError) -> bytes:
        request_id = uuid4().hex
        path = (self.scope or {}).get("path", "/")
        body = problem_bytes(error, path=str(path), request_id=request_id)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"private, no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return STATUS_LINE[STATUS[error.kind]] + lines + b"\r\n" + body


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(f"Header fields may have {LARGEST_HEAD // 1024} KiB together here.")


def _size(headers: Sequence[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)


class Server(uvicorn.Server):
    """Serves one application until SIGTERM, then lets everybody finish."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then leave what stays to itself."""
        await super().startup(sockets)
        spare_what_stays()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; in every tenth each connection is looked after."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look_after(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of those who wait for events, then let everybody else finish."""
        self._app.state.stopping = True
        self._app.state.wakeups.wake_all()
        await super().shutdown(sockets)


def server_of(app: FastAPI, *, host: str, port: int, patience: Patience | None = None) -> Server:
    """The server of a service, as `steward serve` runs it; WebSockets are not spoken here."""
    _allow_many_connections()
    patience = patience or Patience()
    proxies = app.state.settings.trusted_proxies
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=functools.partial(Connection, patience),  # type: ignore[arg-type]  # called as the class would be
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_keep_alive=patience.idle,
        timeout_graceful_shutdown=GRACE,
    )
    return Server(config, app)


def _allow_many_connections() -> None:
    """As many open files as the machine lets us have: each connection is one, and the usual 1024 are soon taken."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
