"""A feedback service on a database of its own, which knows a small body."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import pytest
import pytest_asyncio

from services.feedback.app import create_app
from services.feedback.settings import FeedbackSettings
from shared.database import engine_for, sessions_of, transaction
from shared.http.sessions import request_time
from tests.feedback.samples import seed
from tests.feedback.service import Clock, Feedback, RolesInTheToken
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor


@pytest_asyncio.fixture
async def feedback(
    database: Callable[[str], Awaitable[Database]],
    client_for: ClientFor,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Feedback]:
    """A feedback service that knows a body, four units and two indicators."""
    monkeypatch.setenv("STEWARD_ENV", "local")
    own = await database("feedback")
    app = create_app(FeedbackSettings(FEEDBACK_DATABASE_URL=own.url))
    clock = Clock(now)
    app.state.verifier = RolesInTheToken()
    app.dependency_overrides[request_time] = clock
    engine = engine_for(own.url, schema="feedback", pool_size=4)
    sessions = sessions_of(engine)
    async with transaction(sessions) as session:
        await seed(session)
    async with client_for(app) as client:
        yield Feedback(app, client, clock, own, sessions)
    await engine.dispose()
