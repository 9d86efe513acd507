"""Waking whoever waits for a commit: for latency alone, since correctness stands on the polls beside each wait."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import SessionFactory
from shared.telemetry import in_short

WRITTEN = "written"
"""Events came into the outbox, and inputs of what is computed from them may have changed."""
SEQUENCED = "sequenced"
"""Events came into the log."""
APPLIED = "applied"
"""Events of others were applied here."""
AT_MOST_EVERY = 0.002
PROBE_EVERY, ANSWER_WITHIN = 30.0, 5.0
TRY_AGAIN_AFTER = 1.0
_TOLD, _WAKEUPS = "steward.told", "steward.wakeups"
log = structlog.get_logger()


class Wakeups:
    """What one process says and hears about commits in its service's database.

    NOTIFY goes out on an autocommit connection that nothing else uses: inside the business transaction it takes a lock
    that all commits share, and was measured to leave 0.39 of the throughput. A connection that is lost is made again;
    until then whoever waits finds out by looking.
    """

    def __init__(self, url: str, *, application: str, hears: Iterable[str] = ()) -> None:
        self._url, self._application, self._hears = url, f"{application}-wakeups", tuple(hears)
        self._waiting: dict[asyncio.Event, tuple[str, ...]] = {}
        self._unsaid: set[str] = set()
        self._something_to_say = asyncio.Event()
        self._said_at: dict[str, float] = {}

    def say(self, channel: str, *, at_most_every: float = 0.0) -> None:
        """Wake who waits for it: here at once, in other processes soon; what comes sooner than asked is dropped."""
        now = asyncio.get_running_loop().time()
        if now - self._said_at.get(channel, -at_most_every) < at_most_every:
            return
        self._said_at[channel] = now
        self._wake(channel)
        self._unsaid.add(channel)
        self._something_to_say.set()

    @contextmanager
    def on(self, *channels: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of the channels is said; clear it before looking, wait for it after."""
        wake = asyncio.Event()
        self._waiting[wake] = channels
        try:
            yield wake
        finally:
            del self._waiting[wake]

    def wake_all(self) -> None:
        """Wake everybody in this process, for it stops."""
        for wake in self._waiting:
            wake.set()

    def watch(self, sessions: SessionFactory) -> None:
        """Say WRITTEN after each transaction of these sessions in which an event was published."""
        sessions.configure(info={_WAKEUPS: self})

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep the connection while the block runs; nothing waits for it."""
        keeping = asyncio.create_task(self._keep_connected(), name="wakeups")
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    def _wake(self, channel: str) -> None:
        for wake, channels in self._waiting.items():
            if channel in channels:
                wake.set()

    async def _keep_connected(self) -> None:
        while True:
            try:
                await self._attend()
            except Exception as error:  # whatever it was: without this connection, everything waits for polls
                log.info("wakeups_away", error=in_short(error))
            await asyncio.sleep(TRY_AGAIN_AFTER)

    async def _attend(self) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=ANSWER_WITHIN, server_settings={"application_name": self._application}
        )
        try:
            connection.add_termination_listener(lambda _: self._something_to_say.set())
            for channel in self._hears:
                await connection.add_listener(channel, self._heard)
            while not connection.is_closed():
                await pause(PROBE_EVERY, self._something_to_say)
                self._something_to_say.clear()
                unsaid, self._unsaid = self._unsaid, set()
                statement = ";".join(f"notify {channel}" for channel in sorted(unsaid)) or "select 1"
                await connection.execute(statement, timeout=ANSWER_WITHIN)
                await asyncio.sleep(AT_MOST_EVERY)
        finally:
            connection.terminate()

    def _heard(self, connection: asyncpg.Connection | PoolConnectionProxy, pid: int, channel: str, _: object) -> None:
        # What we have said ourselves has woken everybody here already. A connection that was lost has no pid any more.
        if connection.is_closed() or pid != connection.get_server_pid():
            self._wake(channel)


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Wait so long at most; with nothing to wait, let others have their turn."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    # Not wait_for: in Python 3.11 it forgets that it was cancelled when the event is set at the same moment.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


def told(session: AsyncSession) -> None:
    """Note that the session's transaction publishes an event."""
    session.info[_TOLD] = True


@event.listens_for(Session, "after_transaction_end")
def _say_what_was_written(session: Session, transaction: SessionTransaction) -> None:
    """After the commit itself: a savepoint has a parent, and a wake-up after a rollback finds nothing."""
    if transaction.parent is None and session.info.pop(_TOLD, False) and (wakeups := session.info.get(_WAKEUPS)):
        wakeups.say(WRITTEN)
