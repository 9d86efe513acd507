"""No request pays for a thread: FastAPI hands each plain function to one, and that costs more than what it does."""

import inspect
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from deploy.postgres.bootstrap import SERVICES
from tests.architecture.test_routes import application


def plain_functions(app: FastAPI) -> set[str]:
    """The routes and dependencies of an application that are no coroutines, by name."""
    return {
        getattr(call, "__qualname__", repr(call))
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for call in _calls(context.dependant)
        if not _is_coroutine(call)
    }


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _is_coroutine(call: Any) -> bool:
    function = call if inspect.isroutine(call) else call.__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_asks_for_a_thread(service: str) -> None:
    assert plain_functions(application(service)) == set()


def test_a_plain_function_on_a_route_is_found_however_deep() -> None:
    def number() -> int:
        return 1

    async def twice(of: Annotated[int, Depends(number)]) -> int:
        return 2 * of

    def plain_route(doubled: Annotated[int, Depends(twice)]) -> int:
        return doubled

    router = APIRouter()
    router.add_api_route("/v1/plain", plain_route)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router, prefix="/nested")

    assert {name.rpartition(".")[2] for name in plain_functions(app)} == {"number", "plain_route"}
