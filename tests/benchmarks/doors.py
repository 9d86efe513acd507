"""Services as a benchmark serves them: beside the real one, the same application with one part taken out.

`python -m tests.benchmarks.doors feedback PORT` reads the environment of the service. What stands below /reference is
the other side: the same process, middleware, token check, parsing and validation.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Response
from fastapi import Path as InPath
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.routing import Mount

from services.feedback import app as feedback
from services.feedback.responses.operations.intake import Intake
from services.feedback.responses.operations.storing import Row
from services.feedback.settings import FeedbackSettings
from services.reporting import app as reporting
from services.reporting.permissions import RawScope
from shared.http.sessions import Reading
from shared.memory import spare_what_stays

CONTENT = "bench_content"
"""The table whose rows the reference of a scorecard reads by primary key."""


class Unwritten:
    """Takes a response and writes nothing."""

    async def store(self, _: Row) -> bool:
        """True, after one turn of the loop as any write takes."""
        return True


def feedback_doors() -> Starlette:
    """Feedback, and feedback whose write is an awaited nothing."""
    real, unwritten = feedback.create_app(), feedback.create_app()

    async def take_out_the_write() -> None:
        settings = FeedbackSettings()
        unwritten.state.intake = Intake(
            unwritten.state.pool, unwritten.state.surveys, Unwritten(), grace=settings.older_version_grace
        )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with _living(real, unwritten):
            await take_out_the_write()
            yield

    return Starlette(routes=[Mount("/reference", unwritten), Mount("/", real)], lifespan=lifespan)


def reporting_doors() -> Starlette:
    """Reporting, and beside it one primary-key look-up of the same bytes through the same application."""
    real, looking_up = reporting.create_app(), reporting.create_app()

    @looking_up.get("/content/{key}")
    async def content(session: Reading, scope: RawScope, key: Annotated[str, InPath(max_length=64)]) -> Response:
        found = await session.execute(text(f"select body from {CONTENT} where key = :key"), {"key": key})
        return Response(found.scalar_one(), media_type="application/json")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with _living(real, looking_up):
            yield

    return Starlette(routes=[Mount("/reference", looking_up), Mount("/", real)], lifespan=lifespan)


@asynccontextmanager
async def _living(*apps: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield


class Server(uvicorn.Server):
    """Serves as «steward serve» does: with what lives long out of the collector's sight."""

    async def startup(self, sockets: object = None) -> None:
        """Start, then freeze."""
        await super().startup()
        spare_what_stays()


def main() -> None:
    """Serve until SIGTERM."""
    service, port = sys.argv[1:]
    app = {"feedback": feedback_doors, "reporting": reporting_doors}[service]()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
