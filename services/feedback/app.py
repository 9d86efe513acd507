"""The feedback service: surveys, and what people answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.feedback.directory.queries import known_of
from services.feedback.permissions import ROLES
from services.feedback.responses import api as responses
from services.feedback.responses.operations.intake import Intake
from services.feedback.responses.operations.storing import SharedCommit
from services.feedback.responses.web import pages
from services.feedback.schema import EVENT_TABLES
from services.feedback.scores.jobs import ANSWERED, GATHER
from services.feedback.scores.queries import waiting
from services.feedback.settings import FeedbackSettings
from services.feedback.surveys.api import public, routes
from services.feedback.surveys.queries import PublishedSurveys
from shared.database import pool_for
from shared.http.app import create_service
from shared.http.status import status_routes
from shared.messaging.back_pressure import OUTBOX
from shared.messaging.feed import feed_router


def create_app(settings: FeedbackSettings | None = None) -> FastAPI:
    """The service's application, with settings from the environment where none are given."""
    settings = settings or FeedbackSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Start: the pool of the hot path, then what writes and takes answers over it; stop: the same backwards."""
        url = settings.database_url.get_secret_value()
        async with (
            pool_for(url, schema="feedback", application="steward-feedback-intake") as pool,
            SharedCommit(pool).running() as storing,
        ):
            app.state.pool = pool
            app.state.surveys = PublishedSurveys(pool)
            app.state.intake = Intake(
                pool,
                app.state.surveys,
                storing,
                grace=settings.older_version_grace,
                stored=partial(app.state.wakeups.say, ANSWERED, at_most_every=GATHER.total_seconds()),
            )
            yield

    return create_service(
        name="feedback",
        title="Steward feedback",
        description="Surveys: made by a body, answered by everybody, scored in steps that give nobody away.",
        settings=settings,
        schema="feedback",
        roles=ROLES,
        assigned=known_of,
        queues=[OUTBOX, "scoring_queue"],
        routers=[
            responses.router,
            public.router,
            routes.router,
            pages.router,
            feed_router(EVENT_TABLES),
            status_routes(EVENT_TABLES, waiting),
        ],
        lifespan=lifespan,
    )
