"""The reporting service's HTTP application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.reporting.directory.queries import known_of
from services.reporting.permissions import ROLES
from services.reporting.schema import EVENT_TABLES
from services.reporting.scorecards.api import cards, results
from services.reporting.scorecards.api.kept import KeptScorecards
from services.reporting.scorecards.queries.surroundings import KeptSurroundings
from services.reporting.scorecards.web import changes, pages
from services.reporting.scorecards.web.watching import WatchedScorecards
from services.reporting.settings import ReportingSettings
from shared.http.app import create_service
from shared.http.status import status_routes
from shared.messaging.feed import feed_router

DESCRIPTION = (
    "Scorecards with their control charts, the dashboard of all units, and every number as CSV. "
    "What is open needs no token; roles with results:read see the rest of their own units."
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start: nothing; stop: what watches scorecards ends before the database goes."""
    yield
    await app.state.watched_scorecards.ended()


def create_app(settings: ReportingSettings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    app = create_service(
        name="reporting",
        title="Steward reporting",
        description=DESCRIPTION,
        settings=settings or ReportingSettings(),
        schema="reporting",
        roles=ROLES,
        assigned=known_of,
        routers=[
            cards.router,
            results.router,
            pages.router,
            changes.router,
            feed_router(EVENT_TABLES),
            status_routes(EVENT_TABLES),
        ],
        lifespan=lifespan,
    )
    app.state.kept_scorecards = KeptScorecards()
    app.state.kept_surroundings = KeptSurroundings()
    app.state.watched_scorecards = WatchedScorecards(app.state.sessions, app.state.wakeups)
    app.state.pages = {"/scorecards": "Scorecards of all units"}
    return app
