"""What an application serves, as tests and people list it: each operation with the permission it asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shared.http.auth import Permitted
from shared.http.sign_in.visitors import PagePermitted


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `*` for whatever a mounted application does with it."""

    name: str
    """Such as `GET /v1/units/{key}`."""
    permissions: frozenset[str]
    in_schema: bool
    summary: str
    asked_before: frozenset[str] = frozenset()
    """The dependencies that are resolved before the permission is asked for."""


def operations_of(app: FastAPI) -> list[Operation]:
    """Every operation that the application serves.

    `app.routes` is nested, so a walk over it would see nothing and pass; that the walk here sees all is checked
    against OpenAPI, which is made another way.
    """
    found = sorted(_operations(app), key=lambda operation: operation.name)
    described = sum(len(methods) for methods in app.openapi()["paths"].values())
    listed = sum(operation.in_schema for operation in found)
    if listed != described:
        raise RuntimeError(f"The walk over the routes found {listed} operations, OpenAPI has {described}.")
    return found


def _operations(app: FastAPI) -> Iterator[Operation]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount) and not isinstance(route.app, StaticFiles):
            yield Operation(f"* {route.path}", frozenset(), False, "")
        if isinstance(route, Route) and not isinstance(route, APIRoute):
            for method in (route.methods or set()) - {"HEAD"}:
                yield Operation(f"{method} {route.path}", frozenset(), False, "")
        if not isinstance(route, APIRoute):
            continue
        calls = list(_resolved(context.dependant))
        asking = [call for call in calls if isinstance(call, Permitted | PagePermitted)]
        before = calls[: calls.index(asking[0])] if asking else []
        for method in context.methods or ():
            yield Operation(
                f"{method} {context.path}",
                frozenset(call.permission for call in asking),
                bool(context.include_in_schema),
                context.summary or "",
                frozenset(getattr(call, "__name__", type(call).__name__) for call in before),
            )


def _resolved(dependant: Dependant) -> Iterator[Any]:
    """What a route depends on, in the order in which it is resolved."""
    for inner in dependant.dependencies:
        yield from _resolved(inner)
        yield inner.call
