"""Refusing new work while too much of it waits: writes are told to come back, reads go on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from sqlalchemy import text
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import current_time
from shared.database import SessionFactory, transaction
from shared.errors import Unavailable
from shared.http.problems import problem_response
from shared.telemetry import in_short

EVERY = 1.0
OUTBOX = "outbox"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_TAKEN_ALWAYS = ("/sign-out", ":block", ":withdraw")
"""Ways of ending what somebody may do, which must not wait until a flood is over."""
log = structlog.get_logger()


class TooMuchWaiting(Unavailable):
    """More waits to be worked through than may; what is stored is safe, and reading goes on."""

    code = "too_much_waiting"
    title = "Too much is waiting"
    retry_after = 30


class BackPressure:
    """How much waits in a service's queues, looked at every second and never inside a request.

    Counting stops one row after the limit, and the age is that of the outbox: other queues keep no time of their rows.
    """

    def __init__(
        self, sessions: SessionFactory, *, schema: str, queues: Sequence[str], most: int, longest: timedelta
    ) -> None:
        self._sessions, self._most, self._longest = sessions, most, longest
        self.refusal: TooMuchWaiting | None = None
        """What a write is told now."""
        self._counts = {
            queue: text(f'select count(*) from (select from "{schema}".{queue} limit :most) as counted')  # noqa: S608 - our own tables' names
            for queue in queues
        }
        self._oldest = text(f'select "time" from "{schema}".{OUTBOX} order by id limit 1')  # noqa: S608 - as above

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look again and again while the block runs."""
        looking = asyncio.create_task(self._keep_looking(), name="back-pressure")
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def look(self) -> None:
        """Count once, and decide whether writes are taken."""
        async with transaction(self._sessions) as session:
            connection = await session.connection()
            for queue, count in self._counts.items():
                if (await connection.execute(count, {"most": self._most + 1})).scalar_one() > self._most:
                    reason = f"More than {self._most} rows wait in {queue}"
                    break
            else:
                oldest = (
                    None
                    if OUTBOX not in self._counts
                    else (await connection.execute(self._oldest)).scalar_one_or_none()
                )
                late = oldest is not None and current_time() - oldest > self._longest
                reason = f"The oldest event has waited longer than {self._longest}" if late else ""
        if reason and self.refusal is None:
            log.warning("writes_refused", reason=reason)
        elif self.refusal is not None and not reason:
            log.info("writes_taken_again")
        self.refusal = TooMuchWaiting(f"{reason}; send the same again later.") if reason else None

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # whatever it was: what was decided last must not stand for ever
                log.info("queues_not_counted", error=in_short(error))
            await asyncio.sleep(EVERY)


class RefuseTooMuch:
    """Answers 503 to a write, before its body is read, while too much waits."""

    def __init__(self, app: ASGIApp, pressure: BackPressure) -> None:
        self.app = app
        self._pressure = pressure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        refusal = self._pressure.refusal
        if (
            refusal is None
            or scope["type"] != "http"
            or scope["method"] in _READS
            or scope["path"].endswith(_TAKEN_ALWAYS)
        ):
            await self.app(scope, receive, send)
            return
        await problem_response(Request(scope), refusal)(scope, receive, send)
