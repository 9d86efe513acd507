"""Whether matrix and cases know every route, and every way in which a route can be told a unit."""

from typing import Any

from fastapi import FastAPI

from shared.http.routes import operations_of
from tests.architecture.access.matrix import Matrix
from tests.architecture.access.walking import Cases

NAMES_OF_UNITS = {"unit", "parent", "region"}
_NO_UNITS = {"same for all", "whole body", "public"}


def unmatched(app: FastAPI, matrix: Matrix, cases: Cases) -> list[str]:
    """Routes without a row, rows without a route, and ways to name a unit that the matrix or the cases leave out."""
    operations = {operation.name: operation for operation in operations_of(app)}
    written = {route for route, _ in matrix}
    faults = [f"{route}: access.csv has no row" for route in sorted(operations.keys() - written)]
    faults += [f"{route}: there is no such route" for route in sorted((written | cases.keys()) - operations.keys())]
    for route in sorted(operations.keys() & written):
        ways = {how for name, how in matrix if name == route}
        tried = {way.how for way in cases.get(route, ())}
        faults += [f"{route}: not tried by {how}" for how in sorted(ways - tried)]
        faults += [f"{route}: access.csv has no row by {how}" for how in sorted(tried - ways)]
        # A page is not described; how it is told a unit is seen in its path alone.
        if operations[route].in_schema and not ways & _NO_UNITS:
            faults += [
                f"{route}: access.csv has no row by {how}" for how in sorted(_ways_of(app, route) - ways - tried)
            ]
    return faults


def _ways_of(app: FastAPI, route: str) -> set[str]:
    """How a route can be told a unit, as OpenAPI describes it."""
    method, path = route.split()
    description = app.openapi()
    operation = description["paths"][path][method.lower()]
    ways = {"path"} if "{" in path else set()
    names = {each["name"] for each in _parameters(description, operation) if each["in"] == "query"}
    ways |= {"list", "cursor"} if "cursor" in names and not ways else set()
    ways |= {"filter"} if NAMES_OF_UNITS & names else set()
    for media in operation.get("requestBody", {}).get("content", {}).values():
        fields = _resolved(description, media["schema"]).get("properties", {})
        ways |= {"item"} if "items" in fields else set()
        ways |= {"body"} if NAMES_OF_UNITS & fields.keys() else set()
    return ways


def _parameters(description: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [_resolved(description, each) for each in operation.get("parameters", ())]


def _resolved(description: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a part stands for, where it is a reference: `#/components/parameters/Unit`."""
    for step in part.get("$ref", "").split("/")[1:]:
        part = description[step]
        description = part
    return part
