"""What streams or waits holds no connection of the pool meanwhile: forty patient readers would lock everyone out."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.dependencies.models import Dependant
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute, iter_route_contexts

from deploy.postgres.bootstrap import SERVICES
from shared.http.sessions import Reading, Session, Sessions, open_reading, open_session
from shared.http.written import After, Mark, Marks, arrived, read_mark
from tests.architecture.test_routes import application

HOLD_A_CONNECTION = {open_session, open_reading}
STREAMS = {"StreamingResponse", "EventSourceResponse", "EventStream"}
WAITING = {
    "goals": {"GET /v1/events"},
    "feedback": {"GET /v1/events", "POST /v1/surveys", "POST /v1/surveys/{key}/versions"},
    "reporting": {
        "GET /v1/events",
        "GET /v1/scorecards",
        "GET /v1/scorecards/{unit}",
        "GET /v1/results.csv",
        "GET /scorecards/{unit}",
        "GET /scorecards/{unit}/changes",
    },
}


def routes_of(app: FastAPI) -> Iterator[tuple[str, Any]]:
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield f"{min(context.methods or ['*'])} {context.path}", context


def in_order(dependant: Dependant) -> Iterator[Dependant]:
    """The dependencies as FastAPI comes to them, each after those that it needs itself."""
    for inner in dependant.dependencies:
        yield from in_order(inner)
        yield inner


def holds(dependant: Dependant) -> bool:
    return any(inner.call in HOLD_A_CONNECTION for inner in in_order(dependant))


def waits_itself(dependant: Dependant) -> bool:
    """Whether the function takes Steward-After, waits for what its address names, or takes for how long it may wait."""
    takes_a_mark = any(inner.call is read_mark for inner in dependant.dependencies)
    code = getattr(inspect.unwrap(dependant.call), "__code__", None) if dependant.call else None
    waits_for_marks = code is not None and arrived.__name__ in code.co_names
    return takes_a_mark or waits_for_marks or any(field.name == "wait" for field in dependant.query_params)


def streams(route: Any) -> bool:
    endpoint = inspect.unwrap(route.endpoint)
    declared = getattr(route.response_class, "__name__", ""), str(inspect.signature(endpoint).return_annotation)
    named = {*endpoint.__code__.co_names, *declared[0].split(), *(each for each in STREAMS if each in declared[1])}
    return bool(named & STREAMS) or inspect.isasyncgenfunction(endpoint) or inspect.isgeneratorfunction(endpoint)


def faults_of(app: FastAPI) -> list[str]:
    """Routes that hold a connection while they stream or wait."""
    faults = []
    for name, route in routes_of(app):
        if streams(route) and holds(route.dependant):
            faults.append(f"{name} streams with a session")
        if waits_itself(route.dependant) and holds(route.dependant):
            faults.append(f"{name} waits with a session")
        held = False
        for inner in in_order(route.dependant):
            held = held or inner.call in HOLD_A_CONNECTION
            if waits_itself(inner) and inner.call is not read_mark and held:
                faults.append(f"{name} waits after it has opened a session")
    return faults


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_that_streams_or_waits_holds_a_connection(service: str) -> None:
    assert faults_of(application(service)) == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_check_sees_what_streams_or_waits(service: str) -> None:
    seen = {
        name
        for name, route in routes_of(application(service))
        if streams(route) or waits_itself(route.dependant) or any(map(waits_itself, in_order(route.dependant)))
    }

    assert seen == WAITING[service]


async def waits(after: After) -> None:
    """Waits without a session."""


async def waits_with_a_session(after: After, session: Reading) -> None:
    """Waits with one."""


async def streams_with_a_session(session: Reading) -> StreamingResponse:
    return StreamingResponse(iter(()))


async def streams_without_saying_so(session: Session) -> Any:
    return StreamingResponse(iter(()))


async def yields_with_a_session(session: Reading) -> AsyncIterator[str]:
    yield "one"


async def polls_with_a_session(session: Reading, wait: Annotated[float, Query()] = 0) -> str:
    return "nothing new"


async def takes_a_mark_and_a_session(session: Session, after: After) -> str:
    return "done"


async def comes_from_writing(marks: Marks) -> bool:
    async def applied(_: Mark) -> bool:
        return True

    return await arrived(marks, applied)


async def reads(session: Reading) -> str:
    return "done"


async def waits_after_reading(session: Reading, _: Annotated[None, Depends(waits)]) -> str:
    return "done"


async def streams_alone(sessions: Sessions, after: After) -> StreamingResponse:
    return StreamingResponse(iter(()))


@pytest.mark.parametrize(
    ("endpoint", "before", "found"),
    [
        (streams_with_a_session, [], ["GET /planted streams with a session"]),
        (streams_without_saying_so, [], ["GET /planted streams with a session"]),
        (yields_with_a_session, [], ["GET /planted streams with a session"]),
        (polls_with_a_session, [], ["GET /planted waits with a session"]),
        (takes_a_mark_and_a_session, [], ["GET /planted waits with a session"]),
        (waits_after_reading, [], ["GET /planted waits after it has opened a session"]),
        (reads, [Depends(waits_with_a_session)], ["GET /planted waits after it has opened a session"]),
        (reads, [Depends(waits)], []),
        (comes_from_writing, [Depends(reads)], ["GET /planted waits with a session"]),
        (reads, [Depends(comes_from_writing)], []),
        (streams_alone, [Depends(waits)], []),
    ],
)
def test_a_route_that_holds_a_connection_is_found(endpoint: Callable[..., Any], before: Any, found: list[str]) -> None:
    router = APIRouter()
    router.add_api_route("/planted", endpoint, response_model=None, dependencies=before)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)

    assert faults_of(app) == found
