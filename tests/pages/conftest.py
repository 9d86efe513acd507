"""A small body that the pages tell of, in one service's process or on a port that a browser can reach."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date

import httpx
import pytest_asyncio
from fastapi import FastAPI

from services.reporting.app import create_app
from services.reporting.settings import ReportingSettings
from shared.database import sessions_at, transaction
from tests.fixtures.databases import Database, Templates
from tests.fixtures.services import ClientFor
from tests.pages.world import Counts, World, months

FIRST, LAST = date(2017, 4, 1), date(2019, 3, 1)


def a_record(seed: int, level: int) -> Counts:
    """Two years of figures around a level out of a hundred, with a month missing."""
    source = random.Random(seed)  # noqa: S311 - a repeatable series, not a secret
    every = [month for month in months(FIRST, 24) if month != date(2018, 7, 1)]
    return {month: (10 * level + source.randrange(-30, 30), 1000) for month in every}


def small_body() -> World:
    """Two regions, four organisations, one of which stopped; a survey; an indicator that is not public."""
    world = World()
    world.body("Rivershire")
    for region in ("North", "South"):
        world.unit(region.lower(), region, "root", "region")
    world.unit("N1", "Northgate <Hospital> & Clinic", "north", "organisation")
    world.unit("N2", "N2", "north", "organisation")
    world.unit("S1", "Southmoor", "south", "organisation")
    world.unit("S2", "Old Southmoor", "south", "organisation")
    world.indicator("waits", "Seen within four hours")
    world.indicator("recommend", "Would recommend us", decimals=1)
    world.indicator("visits", "Visits", ratio=None, decimals=0, direction="neutral", unit_of_measure={"en": "people"})
    world.indicator("sickness", "Days lost to sickness", disclosure_class="internal")
    world.survey("visit", "Your visit", "recommend", "Simulated answers")
    stopped = {month: counts for month, counts in a_record(4, 90).items() if month < date(2018, 4, 1)}
    units = {"N1": a_record(1, 97), "N2": a_record(2, 80), "S1": a_record(3, 91), "S2": stopped}
    world.figures("waits", units, target=95, expected_to=LAST)
    world.figures("recommend", {"N1": a_record(5, 70)}, target=None, expected_to=LAST, source="feedback")
    world.figures("visits", {"N1": a_record(7, 40)}, target=None, expected_to=LAST)
    world.figures("sickness", {"N1": a_record(6, 50)}, target=None, expected_to=LAST)
    return world


@pytest_asyncio.fixture(scope="session")
async def rivershire(templates: Templates) -> AsyncIterator[Database]:
    """The database of a reporting service that has heard all of it; pages only read, so that one serves every test."""
    own = await templates.clone("reporting")
    async with (
        sessions_at(own.url, schema="reporting", application="tests") as sessions,
        transaction(sessions) as session,
    ):
        await small_body().apply(session)
    yield own
    await templates.drop(own.name)


@pytest_asyncio.fixture(scope="session")
async def reporting(rivershire: Database) -> AsyncIterator[FastAPI]:
    """The service on it, for the public alone."""
    app = create_app(ReportingSettings.model_validate({"REPORTING_DATABASE_URL": rivershire.url, "env": "local"}))
    yield app
    await app.state.engine.dispose()


@pytest_asyncio.fixture
async def browse(
    reporting: FastAPI, client_for: ClientFor
) -> AsyncIterator[Callable[[str], Awaitable[httpx.Response]]]:
    """`await browse("/scorecards")`: a page of the reporting service, asked for as browsers do."""
    async with client_for(reporting) as client:
        client.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        yield client.get
