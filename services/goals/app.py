"""The goals service: what a body wants to reach, what it has measured, and how the two compare."""

from fastapi import FastAPI

from services.goals.calendars import api as calendars
from services.goals.indicators.api import assignments, indicators
from services.goals.measurements import api as measurements
from services.goals.measurements.web import pages as entry
from services.goals.organisation import api as organisation
from services.goals.people.api import principals, role_assignments
from services.goals.people.operations import know_caller
from services.goals.permissions import ROLES
from services.goals.recalculation.queries import waiting
from services.goals.schema import EVENT_TABLES
from services.goals.settings import GoalsSettings
from services.goals.targets import api as targets
from services.goals.targets.operations import direction_fits
from shared.http.app import create_service
from shared.http.status import status_routes
from shared.messaging.feed import feed_router


def create_app(settings: GoalsSettings | None = None) -> FastAPI:
    """The service's application, with settings from the environment where none are given."""
    app = create_service(
        name="goals",
        title="Steward goals",
        description="The body and its units, indicators, targets and measurements, and what they add up to.",
        settings=settings or GoalsSettings(),
        schema="goals",
        roles=ROLES,
        assigned=know_caller,
        routers=[
            organisation.router,
            principals.router,
            role_assignments.router,
            calendars.router,
            indicators.router,
            assignments.router,
            targets.router,
            measurements.router,
            entry.router,
            feed_router(EVENT_TABLES),
            status_routes(EVENT_TABLES, waiting),
        ],
    )
    app.state.direction_fits = direction_fits
    app.state.pages = {"/measurements": "Numbers to report"}
    return app
