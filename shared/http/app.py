"""The factory of the three services: everything that is the same at every door."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from shared.database import engine_for, sessions_of
from shared.http import docs, limits, problems
from shared.http.assigned import Assigning, KnownCallers, nothing_assigned
from shared.http.auth import RolePermissions
from shared.http.awaited import AwaitedWrites
from shared.http.cors import Cors
from shared.http.fields import NarrowAnswers
from shared.http.health import health_routes
from shared.http.limits import LimitBodies
from shared.http.middleware import Envelope, KnownHosts
from shared.http.rates import RateLimits
from shared.http.requests import sound_request
from shared.http.sign_in import routes as sign_in
from shared.http.streams import Streams
from shared.http.tokens import Verifier
from shared.http.trials import TrialAnswers
from shared.messaging.back_pressure import OUTBOX, BackPressure, RefuseTooMuch
from shared.messaging.described import described_events
from shared.messaging.wakeups import APPLIED, SEQUENCED, Wakeups
from shared.settings import ServiceSettings
from shared.telemetry import configure_logging, metrics_server
from shared.tracing import tracing
from shared.ui.static_files import OurFiles

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service(
    *,
    name: str,
    title: str,
    description: str,
    settings: ServiceSettings,
    schema: str,
    roles: RolePermissions,
    routers: Sequence[APIRouter],
    assigned: Assigning = nothing_assigned,
    queues: Sequence[str] = (OUTBOX,),
    lifespan: Lifespan | None = None,
    version: str = "0.1.0",
) -> FastAPI:
    """One service's application; nothing is connected before it is first asked."""
    settings.refuse_unsafe(serves=True)
    database_url = settings.database_url.get_secret_value()
    engine = engine_for(database_url, schema=schema, application=f"steward-{name}")
    wakeups = Wakeups(database_url, application=f"steward-{name}", hears=(SEQUENCED, APPLIED))

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        """Start: logs, metrics, then the service's own; stop: the same backwards, the database last."""
        configure_logging(name, settings.log_level)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(awaited.ended)
            stack.enter_context(metrics_server(settings.metrics_port, settings.metrics_host))
            stack.enter_context(tracing(name))
            await stack.enter_async_context(wakeups.connected())
            await stack.enter_async_context(pressure.watching())
            if lifespan is not None:
                await stack.enter_async_context(lifespan(app))
            yield

    app = FastAPI(
        title=title,
        description=description,
        version=version,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": settings.links.get(name, "/"), "description": title}],
        dependencies=[Depends(sound_request)],
        generate_unique_id_function=_operation_id,
    )
    app.state.name = name
    app.state.schema = schema
    app.state.engine = engine
    app.state.sessions = sessions_of(engine)
    wakeups.watch(app.state.sessions)
    app.state.wakeups = wakeups
    pressure = BackPressure(
        app.state.sessions,
        schema=schema,
        queues=queues,
        most=settings.most_waiting,
        longest=settings.longest_waiting,
    )
    app.state.settings = settings
    app.state.roles = roles
    app.state.stopping = False  # «steward serve» says when: what waits for something to come then answers at once
    app.state.streams = Streams()
    app.state.awaited = awaited = AwaitedWrites(wakeups, app.state.streams)
    app.state.assigned = KnownCallers(app.state.sessions, assigned)
    app.state.verifier = Verifier(settings.issuers)
    app.add_middleware(NarrowAnswers)
    app.add_middleware(TrialAnswers)
    app.add_middleware(LimitBodies)
    app.add_middleware(RefuseTooMuch, pressure=pressure)
    app.add_middleware(RateLimits, settings=settings)
    # Around what refuses: a page of another origin may read when to try again.
    app.add_middleware(Cors, collectors=settings.collector_origins)
    if settings.hosts:
        app.add_middleware(KnownHosts, hosts=settings.hosts)
    app.add_middleware(Envelope, service=name)
    problems.install(app)
    sign_in.install(app, settings)
    for router in [*routers, health_routes(name, schema), described_events(name), limits.router]:
        app.include_router(router)
    docs.install(app)
    # After the files of the documentation, whose folder lies below.
    app.mount("/static", OurFiles(), name="static")
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
