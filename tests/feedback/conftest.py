"""A feedback service that knows a small body: one for all tests, emptied before each, and one of a test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest_asyncio

from services.feedback.app import create_app
from services.feedback.settings import FeedbackSettings
from shared.database import engine_for, sessions_of, transaction
from shared.http.sessions import request_time
from tests.feedback.samples import seed
from tests.feedback.service import Feedback
from tests.fixtures.databases import Templates
from tests.fixtures.doubles import Clock, RolesInTheToken
from tests.fixtures.services import ClientFor


@asynccontextmanager
async def running(templates: Templates, client_for: ClientFor) -> AsyncIterator[Feedback]:
    """The service on a database of its own, which knows a body, four units and two indicators."""
    own = await templates.clone("feedback")
    # The clock stands in the past, so that every event seems to have waited for long.
    settings = FeedbackSettings(FEEDBACK_DATABASE_URL=own.url, env="local", longest_waiting=timedelta.max)
    app = create_app(settings)
    app.state.verifier = RolesInTheToken()
    engine = engine_for(own.url, schema="feedback", pool_size=4)
    sessions = sessions_of(engine)
    async with transaction(sessions) as session:
        await seed(session)
    async with client_for(app) as client:
        yield Feedback(app, client, own, sessions)
    await engine.dispose()
    await templates.drop(own.name)


@pytest_asyncio.fixture(scope="session")
async def feedback_service(templates: Templates, client_for: ClientFor) -> AsyncIterator[Feedback]:
    """The service, running for all tests; what it holds is the last one's."""
    async with running(templates, client_for) as service:
        yield service


@pytest_asyncio.fixture
async def feedback(feedback_service: Feedback, now: datetime) -> Feedback:
    """A feedback service without a survey, at the fixed moment."""
    await feedback_service.wipe()
    return _at(feedback_service, now)


@pytest_asyncio.fixture
async def own_feedback(templates: Templates, client_for: ClientFor, now: datetime) -> AsyncIterator[Feedback]:
    """A feedback service started for this test, whose database it may spoil and whose log it may read."""
    async with running(templates, client_for) as service:
        yield _at(service, now)


def _at(service: Feedback, now: datetime) -> Feedback:
    service.clock = Clock(now)
    service.app.dependency_overrides[request_time] = service.clock
    return service
