"""Engines, sessions and the one place that commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

SessionFactory = async_sessionmaker[AsyncSession]


def engine_for(url: str, *, schema: str, pool_size: int = 8, application: str = "steward") -> AsyncEngine:
    """An engine whose connections look into the service's schema and give up on what takes too long.

    `url` is `postgresql://…`; a transaction left idle for a minute is ended by the server, so that no stray client
    holds back the clean-up of the outbox.
    """
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={
            "server_settings": {
                "search_path": schema,
                "application_name": application,
                "idle_in_transaction_session_timeout": "60000",
                "jit": "off",
            }
        },
    )


def sessions_of(engine: AsyncEngine) -> SessionFactory:
    """The factory of sessions on an engine."""
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


@asynccontextmanager
async def transaction(sessions: SessionFactory) -> AsyncIterator[AsyncSession]:
    """One transaction: leaves with a commit or with nothing."""
    async with sessions() as session, session.begin():
        yield session
