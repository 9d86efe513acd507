"""A goals service with a small body: one database for all tests of goals, emptied before each."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest_asyncio

from services.goals.app import create_app
from services.goals.organisation.operations import establish_body
from services.goals.settings import GoalsSettings
from shared.database import engine_for, sessions_of, transaction
from shared.http.sessions import request_time
from tests.fixtures.databases import Templates
from tests.fixtures.doubles import Clock, RolesInTheToken
from tests.fixtures.services import ClientFor
from tests.goals.service import UNITS, VISITS, WAITS, Goals


@pytest_asyncio.fixture(scope="session")
async def goals_service(templates: Templates, client_for: ClientFor) -> AsyncIterator[Goals]:
    """The service, running for all of them; what it holds is the last test's."""
    own = await templates.clone("goals")
    # The clock stands in the past, so that every event seems to have waited for long.
    settings = GoalsSettings(GOALS_DATABASE_URL=own.url, env="local", longest_waiting=timedelta.max)
    app = create_app(settings)
    app.state.verifier = RolesInTheToken()
    engine = engine_for(own.url, schema="goals", pool_size=4)
    async with client_for(app) as client:
        yield Goals(app, client, own, sessions_of(engine))
    await engine.dispose()
    await templates.drop(own.name)


@pytest_asyncio.fixture
async def empty_goals(goals_service: Goals, now: datetime) -> Goals:
    """A goals service without a body, at the fixed moment."""
    goals_service.clock = Clock(now)
    goals_service.app.dependency_overrides[request_time] = goals_service.clock
    await goals_service.wipe()
    return goals_service


@pytest_asyncio.fixture
async def goals(empty_goals: Goals, now: datetime) -> Goals:
    """A goals service with a body of two regions and three trusts, and two indicators."""
    async with transaction(empty_goals.sessions) as session:
        await establish_body(
            session,
            slug="nhs",
            name={"en": "NHS England"},
            language="en",
            time_zone="Europe/London",
            start_month=4,
            now=now,
        )
    results = await empty_goals.batch("/v1/units:batch", UNITS)
    assert {result["status"] for result in results} == {201}
    for indicator in (WAITS, VISITS):
        await empty_goals.made("/v1/indicators", indicator)
    await empty_goals.forget()
    return empty_goals
