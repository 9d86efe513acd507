"""Whether the cases know every route, and every way in which a route can be told a unit."""

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI

from shared.http.routes import operations_of
from tests.architecture.access.walking import Cases

NAMES_OF_UNITS = {"unit", "parent", "region"}
_NO_UNITS = {"same for all", "whole body"}


def unmatched(app: FastAPI, public: Collection[str], cases: Cases) -> list[str]:
    """Routes without a case, cases without a route, and ways to name a unit that a case leaves out."""
    # A page takes no token: who may see it is tried with the page.
    closed = {operation.name for operation in operations_of(app) if operation.in_schema} - set(public)
    faults = [f"{route}: no case tries it" for route in sorted(closed - cases.keys())]
    faults += [f"{route}: there is no such route" for route in sorted(cases.keys() - closed)]
    for route in sorted(closed & cases.keys()):
        tried = {way.how for way in cases[route]}
        if not tried & _NO_UNITS:
            faults += [f"{route}: not tried by {how}" for how in sorted(_ways_of(app, route) - tried)]
    return faults


def _ways_of(app: FastAPI, route: str) -> set[str]:
    """How a route can be told a unit, as OpenAPI describes it."""
    method, path = route.split()
    description = app.openapi()
    operation = description["paths"][path][method.lower()]
    ways = {"path"} if "{" in path else {"list"} if method == "GET" else set()
    parameters = [_resolved(description, each) for each in operation.get("parameters", ())]
    if any(each["in"] == "query" and each["name"] in NAMES_OF_UNITS for each in parameters):
        ways.add("filter")
    for media in operation.get("requestBody", {}).get("content", {}).values():
        fields = _resolved(description, media["schema"]).get("properties", {})
        ways |= {"item"} if "items" in fields else set()
        ways |= {"body"} if NAMES_OF_UNITS & fields.keys() else set()
    return ways


def _resolved(description: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a part stands for, where it is a reference: `#/components/parameters/Unit`."""
    for step in part.get("$ref", "").split("/")[1:]:
        part = description[step]
        description = part
    return part
