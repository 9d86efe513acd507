"""Engines, sessions and the one place that commits."""

import math
import socket
import time
from asyncio import Transport
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
from prometheus_client import Gauge
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession as AsyncSession  # consumers take it from here: they write no SQL

SessionFactory = async_sessionmaker[AsyncSession]
IN_USE = Gauge("steward_database_connections_in_use", "Connections that are lent out, by pool", ["pool"])
MOST = Gauge("steward_database_connections_most", "Connections that a pool lends out at most", ["pool"])

_KEEP_ALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}
"""Seconds, but for the last, which is milliseconds: whoever does not acknowledge for fifteen seconds is gone."""

CONNECT_WITHIN = 15.0
ASKED_AFTER = 5.0
"""Seconds that a connection may have lain idle without being asked whether its server is still there."""
_IDLE_SINCE = "steward.idle_since"


class VigilantConnection(asyncpg.Connection):
    """A connection that fails soon after its server has vanished without a word.

    Otherwise whoever had its request received waits for the answer for ever: nothing of his own is on the way that
    could fail to arrive. The server is told to watch us in the same way, lest a vanished worker hold its locks.
    """

    def __init__(self, protocol: Any, transport: Transport, *rest: Any, **more: Any) -> None:
        super().__init__(protocol, transport, *rest, **more)
        ours = transport.get_extra_info("socket")
        if ours.family in (socket.AF_INET, socket.AF_INET6):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEP_ALIVE.items():
                if hasattr(socket, name):  # each system has its own
                    ours.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def engine_for(url: str, *, schema: str, pool_size: int = 8, application: str = "steward") -> AsyncEngine:
    """An engine whose connections look into the service's schema and give up on what takes too long.

    `url` is `postgresql://…` as PostgreSQL's own programmes read it, with `?sslmode=verify-full` for instance. A
    transaction left idle for a minute is ended by the server, so that no stray client holds back the clean-up of the
    outbox.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(
            asyncpg.connect,
            url,
            timeout=CONNECT_WITHIN,
            server_settings=_server_settings(schema, application),
            connection_class=VigilantConnection,
        ),
        pool_size=pool_size,
        max_overflow=pool_size,
        # What people answered must not reach a log line through the text of an error.
        hide_parameters=True,
    )
    _lend_only_what_lives(engine)
    MOST.labels(application).set(2 * pool_size)
    IN_USE.labels(application).set_function(lambda: engine.pool.checkedout())  # type: ignore[attr-defined]  # as its kind has it
    return engine


def _lend_only_what_lives(engine: AsyncEngine) -> None:
    """Make all connections anew where the one to be lent is lost.

    A server that ends says so, and its connections know. One that vanished does not, so what has lain idle for a while
    is asked. SQLAlchemy's own ping asks each time: three round trips before each transaction.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def note_when(_: object, record: Any) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: Any, _: object) -> None:
        lost = connection.driver_connection.is_closed()
        if not lost and time.monotonic() - record.info.get(_IDLE_SINCE, math.inf) > ASKED_AFTER:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error:
                lost = True
        if lost:
            raise InvalidatePoolError


def pool_for(url: str, *, schema: str, size: int = 8, application: str = "steward") -> asyncpg.Pool:
    """A pool of plain asyncpg connections for the hot path and the sequencer; open it with `async with`.

    Who borrows one sets nothing and holds no session lock, so there is nothing to reset when it comes back: that
    would be a second round trip for each statement. An open transaction is rolled back all the same. Nor does anybody
    think between two statements: a sequencer that is stopped in the middle loses its lock on the head after seconds.
    """
    pool = asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        reset=_as_it_was,
        timeout=CONNECT_WITHIN,
        server_settings=_server_settings(schema, application, idle=timedelta(seconds=10)),
        connection_class=VigilantConnection,
    )
    MOST.labels(application).set(size)
    IN_USE.labels(application).set_function(lambda: pool.get_size() - pool.get_idle_size())
    return pool


async def _as_it_was(_: object) -> None:
    """Leave a connection as it comes back."""


def _server_settings(schema: str, application: str, *, idle: timedelta = timedelta(minutes=1)) -> dict[str, str]:
    return {
        "search_path": schema,
        "application_name": application,
        "idle_in_transaction_session_timeout": str(round(idle.total_seconds() * 1000)),
        "tcp_keepalives_idle": str(_KEEP_ALIVE["TCP_KEEPIDLE"]),
        "tcp_keepalives_interval": str(_KEEP_ALIVE["TCP_KEEPINTVL"]),
        "tcp_keepalives_count": str(_KEEP_ALIVE["TCP_KEEPCNT"]),
        "tcp_user_timeout": str(_KEEP_ALIVE["TCP_USER_TIMEOUT"]),
        "jit": "off",
    }


def sessions_of(engine: AsyncEngine) -> SessionFactory:
    """The factory of sessions on an engine."""
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


@asynccontextmanager
async def sessions_at(url: str, *, schema: str, application: str) -> AsyncIterator[SessionFactory]:
    """The factory of sessions on one database, for a command that soon ends; its connections are closed then."""
    engine = engine_for(url, schema=schema, pool_size=2, application=application)
    try:
        yield sessions_of(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def transaction(sessions: SessionFactory) -> AsyncIterator[AsyncSession]:
    """One transaction: leaves with a commit or with nothing."""
    async with sessions() as session, session.begin():
        yield session
