"""Routes that are wrong on purpose, and what the walk has to say of each."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlmodel import select
from starlette.responses import Response

from services.goals.organisation.errors import UnknownUnit
from services.goals.organisation.queries import unit_by_key
from services.goals.organisation.tables import Unit
from services.goals.permissions import UnitReader, UnitWriter
from shared.http.auth import UnitScope
from shared.http.bulk import ItemResult, bulk_response, refused_item
from shared.http.models import Strict
from shared.http.sessions import Reading
from tests.architecture.access.matrix import NOBODY, OTHERS, Row
from tests.architecture.access.walking import Cases, Way

router = APIRouter(prefix="/v1")
EVERYWHERE, NOWHERE = UnitScope(everywhere=True), UnitScope(codes=frozenset({"nowhere"}))


class Named(Strict):
    """A body that names a unit."""

    unit: str


class Batch(Strict):
    """Items that name units."""

    items: list[Named]


@router.get("/open/{key}")
async def open_to_all(key: str, session: Reading) -> str:
    """Asks for no permission."""
    return (await unit_by_key(session, key, EVERYWHERE)).code


@router.get("/forgetful/{key}")
async def forgets_the_scope_of_a_path(key: str, _: UnitReader, session: Reading) -> str:
    """Gives any unit to whoever may read one."""
    return (await unit_by_key(session, key, EVERYWHERE)).code


@router.post("/forgetful")
async def forgets_the_scope_of_a_body(body: Named, _: UnitWriter, session: Reading) -> str:
    """Takes any unit from whoever may write one."""
    return (await unit_by_key(session, body.unit, EVERYWHERE)).code


@router.get("/forgetful")
async def forgets_the_scope_of_a_list(caller: UnitReader, session: Reading, unit: str | None = None) -> dict[str, Any]:
    """Keeps to the scope where it filters, not where it lists."""
    if unit is not None:
        await unit_by_key(session, unit, caller.scope)
    return {"items": [{"code": code} for code in await session.exec(select(Unit.code))]}


@router.post("/forgetful:batch")
async def forgets_the_scope_of_items(body: Batch, caller: UnitWriter, session: Reading) -> Response:
    """Looks at the caller's scope for the first item alone."""
    results = []
    for index, item in enumerate(body.items):
        try:
            await unit_by_key(session, item.unit, EVERYWHERE if index else caller.scope)
            results.append(ItemResult(index=index, status=201))
        except UnknownUnit as error:
            results.append(refused_item(index, error))
    return bulk_response(results)


@router.get("/forgetful-feed")
async def forgets_that_it_is_of_the_whole_body(_: UnitReader) -> str:
    """Belongs to all units, and asks for a role in one."""
    return "everything"


@router.get("/too-closed/{key}")
async def lets_nobody_in(key: str, _: UnitReader, session: Reading) -> str:
    """Finds nobody's units."""
    return (await unit_by_key(session, key, NOWHERE)).code


@router.get("/too-open/{key}")
async def asks_for_too_little(key: str, caller: UnitReader, session: Reading) -> str:
    """Is for those who write units, and lets in whoever reads them."""
    return (await unit_by_key(session, key, caller.scope)).code


CASES: Cases = {
    "GET /v1/open/{key}": [Way("path", "/v1/open/{unit}")],
    "GET /v1/forgetful/{key}": [Way("path", "/v1/forgetful/{unit}")],
    "POST /v1/forgetful": [Way("body", "/v1/forgetful", lambda names: {"unit": names["unit"]})],
    "GET /v1/forgetful": [
        Way("list", "/v1/forgetful", whose=lambda unit: unit["code"]),
        Way("filter", "/v1/forgetful?unit={unit}"),
    ],
    "POST /v1/forgetful:batch": [Way("item", "/v1/forgetful:batch", lambda names: {"unit": names["unit"]})],
    "GET /v1/forgetful-feed": [Way("whole body", "/v1/forgetful-feed")],
    "GET /v1/too-closed/{key}": [Way("path", "/v1/too-closed/{unit}")],
    "GET /v1/too-open/{key}": [Way("path", "/v1/too-open/{unit}")],
}
READERS = "administrator|analyst|auditor|data_provider|goal_leader|performance_officer"
WRITERS = "administrator|performance_officer"
MERE_READERS = "analyst|auditor|data_provider|goal_leader"


def _closed(route: str, how: str, roles: str, own: str, foreign: str) -> list[Row]:
    """The rows of a route as they would be written."""
    return [
        Row("goals", route, how, frozenset(named.split("|")), *answers)
        for named, answers in {
            roles: (own, foreign, foreign),
            OTHERS: ("403", "403", "403"),
            NOBODY: ("401", "401", "401"),
        }.items()
    ]


ROWS = [
    *_closed("GET /v1/open/{key}", "path", READERS, "200", "404"),
    *_closed("GET /v1/forgetful/{key}", "path", READERS, "200", "404"),
    *_closed("POST /v1/forgetful", "body", WRITERS, "200", "404"),
    *_closed("GET /v1/forgetful", "list", READERS, "shown", "hidden"),
    *_closed("GET /v1/forgetful", "filter", READERS, "200", "404"),
    *_closed("POST /v1/forgetful:batch", "item", WRITERS, "201", "404"),
    *_closed("GET /v1/forgetful-feed", "whole body", READERS, "200", "403"),
    *_closed("GET /v1/too-closed/{key}", "path", WRITERS, "200", "404"),
    *_closed("GET /v1/too-open/{key}", "path", WRITERS, "200", "404"),
]


def _each(roles: str, fault: str) -> set[str]:
    return {fault.format(role=role) for role in roles.split("|")}


FAULTS: Mapping[str, set[str]] = {
    "GET /v1/open/{key}": {
        "GET /v1/open/{key} by path: nobody for any gets 200, not 401",
        "GET /v1/open/{key} by path: follower for any gets 200, not 403",
        "GET /v1/open/{key} by path: caseworker for any gets 200, not 403",
        *_each(READERS, "GET /v1/open/{{key}} by path: {role} for a foreign unit gets 200, not 404"),
    },
    "GET /v1/forgetful/{key}": _each(
        READERS, "GET /v1/forgetful/{{key}} by path: {role} for a foreign unit gets 200, not 404"
    ),
    "POST /v1/forgetful": _each(WRITERS, "POST /v1/forgetful by body: {role} for a foreign unit gets 200, not 404"),
    "GET /v1/forgetful": _each(READERS, "GET /v1/forgetful by list: {role} for a foreign unit gets shown, not hidden"),
    "POST /v1/forgetful:batch": _each(
        WRITERS, "POST /v1/forgetful:batch by item: {role} for a foreign unit gets 201, not 404"
    ),
    "GET /v1/forgetful-feed": _each(
        READERS, "GET /v1/forgetful-feed by whole body: {role} for one region gets 200, not 403"
    ),
    "GET /v1/too-closed/{key}": {
        *_each(WRITERS, "GET /v1/too-closed/{{key}} by path: {role} for its own unit gets 404, not 200"),
        *_each(
            "analyst|auditor|data_provider|goal_leader",
            "GET /v1/too-closed/{{key}} by path: {role} for any gets 404, not 403",
        ),
    },
    "GET /v1/too-open/{key}": _each(MERE_READERS, "GET /v1/too-open/{{key}} by path: {role} for any gets 200, not 403"),
}
