"""Database sessions for routes: one that writes, one that reads, and a factory for what streams or waits."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.clock import current_time
from shared.database import SessionFactory
from shared.http.trials import Trial, undo


async def open_session(request: Request, trial: Trial) -> AsyncIterator[AsyncSession]:
    """One request, one transaction. Leaves with a commit or with nothing; a trial always with nothing."""
    async with request.app.state.sessions() as session, session.begin():
        yield session
        if trial:
            await undo(session)


async def open_reading(request: Request) -> AsyncIterator[AsyncSession]:
    """One request, one read-only transaction that sees one state of the data."""
    async with request.app.state.sessions() as session, session.begin():
        await session.connection(execution_options={"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"})
        yield session


async def session_factory(request: Request) -> SessionFactory:
    """The factory, for a route that streams or waits and must hold no connection while it does."""
    sessions: SessionFactory = request.app.state.sessions
    return sessions


async def request_time() -> datetime:
    """Now. A coroutine, because FastAPI hands any other dependency to a thread, and that costs more than the work."""
    return current_time()


# scope="function": FastAPI's default would commit after the client already has its 201.
Session = Annotated[AsyncSession, Depends(open_session, scope="function")]
Reading = Annotated[AsyncSession, Depends(open_reading, scope="function")]
Sessions = Annotated[SessionFactory, Depends(session_factory)]
Now = Annotated[datetime, Depends(request_time)]
