"""What clients of the API were promised: the committed documents are those of the code, and no promise breaks."""

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.cli.openapi import faults_of
from deploy.postgres.bootstrap import SERVICES
from shared.http.changes import breaches
from shared.http.deprecation import deprecated_route

Document = dict[str, Any]
Change = Callable[[Document], object]
TODAY = "2026-03-02"
THING = {
    "type": "object",
    "required": ["code"],
    "properties": {
        "code": {"type": "string", "maxLength": 10},
        "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "state": {"enum": ["open", "closed"], "type": "string"},
        "inner": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}},
    },
}
REF = {"$ref": "#/components/schemas/Thing"}


def json_of(schema: Any) -> Document:
    return {"application/json": {"schema": schema}}


RELEASED: Document = {
    "components": {"schemas": {"Thing": THING}},
    "paths": {
        "/v1/things": {
            "get": {
                "operationId": "list_things",
                "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 200}}],
                "responses": {"200": {"content": json_of({"type": "array", "items": REF})}},
                "security": [{"HTTPBearer": []}, {}],
            },
            "post": {
                "operationId": "make_thing",
                "requestBody": {"content": json_of(REF)},
                "responses": {"201": {"content": json_of(REF)}},
            },
        },
        "/v1/old": {"get": {"operationId": "old", "deprecated": True, "x-sunset": "2026-03-01", "responses": {}}},
    },
}


def thing(document: Document) -> Document:
    properties: Document = document["components"]["schemas"]["Thing"]["properties"]
    return properties


def listing(document: Document) -> Document:
    operation: Document = document["paths"]["/v1/things"]["get"]
    return operation


BREACHES: dict[str, tuple[Change, str]] = {
    "operation": (lambda d: d["paths"]["/v1/things"].pop("post"), "POST /v1/things is gone"),
    "operation id": (lambda d: listing(d).update(operationId="things"), "another operationId"),
    "token": (lambda d: listing(d).update(security=[{"HTTPBearer": []}]), "asks for a token now"),
    "parameter": (lambda d: listing(d)["parameters"].clear(), "no query parameter limit any more"),
    "required parameter": (lambda d: listing(d)["parameters"][0].update(required=True), "needs the query parameter"),
    "limit": (lambda d: listing(d)["parameters"][0]["schema"].update(maximum=100), "narrower maximum: 100"),
    "answer": (lambda d: listing(d)["responses"].clear(), "200 is no answer any more"),
    "required body": (
        lambda d: d["paths"]["/v1/things"]["post"]["requestBody"].update(required=True),
        "needs a body now",
    ),
    "field": (lambda d: thing(d).pop("state"), "/state is gone"),
    "nested field": (lambda d: thing(d)["inner"]["properties"].clear(), "/inner/tags is gone"),
    "newly required": (
        lambda d: d["components"]["schemas"]["Thing"].update(required=["code", "size"]),
        "/size is required now",
    ),
    "no longer told": (lambda d: d["components"]["schemas"]["Thing"].update(required=[]), "/code may be missing now"),
    "enum value": (lambda d: thing(d)["state"].update(enum=["open"]), "no value 'closed' any more"),
    "type": (lambda d: thing(d)["code"].update(type="integer"), "takes no string now"),
    "narrowed number": (lambda d: thing(d)["size"]["anyOf"][0].update(type="integer"), "takes no number now"),
    "no longer null": (lambda d: thing(d).update(size={"type": "number"}), "takes no null now"),
    "null in an answer": (lambda d: thing(d)["code"].update(type=["string", "null"]), "may be null now"),
    "text limit": (lambda d: thing(d)["code"].update(maxLength=5), "narrower maxLength: 5"),
    "new pattern": (lambda d: thing(d)["code"].update(pattern="^a"), "another pattern"),
    "format": (lambda d: thing(d)["code"].update(format="uuid"), "another format"),
    "items": (lambda d: thing(d)["inner"]["properties"]["tags"]["items"].update(type="integer"), "takes no string now"),
}
HARMLESS: dict[str, Change] = {
    "operation": lambda d: d["paths"].update({"/v1/new": {"get": {"operationId": "new", "responses": {}}}}),
    "optional field": lambda d: thing(d).update(colour={"type": "string"}),
    "parameter": lambda d: listing(d)["parameters"].append({"in": "query", "name": "q", "schema": {"type": "string"}}),
    "wider limit": lambda d: thing(d)["code"].update(maxLength=20),
    "enum value": lambda d: thing(d)["state"].update(enum=["open", "closed", "draft"]),
    "after its sunset": lambda d: d["paths"].pop("/v1/old"),
}


def changed(change: Change) -> list[str]:
    current = copy.deepcopy(RELEASED)
    change(current)
    return breaches(RELEASED, current, today=TODAY)


@pytest.mark.parametrize("kind", BREACHES)
def test_each_kind_of_breach_is_found(kind: str) -> None:
    change, told = BREACHES[kind]

    assert any(told in each for each in changed(change)), changed(change)


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_only_adds_breaks_nothing(kind: str) -> None:
    assert changed(HARMLESS[kind]) == []


def test_an_operation_stays_until_its_sunset() -> None:
    current = copy.deepcopy(RELEASED)
    del current["paths"]["/v1/old"]

    assert breaches(RELEASED, current, today="2026-02-28") == ["GET /v1/old is gone before its sunset on 2026-03-01"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_what_the_code_serves(service: str) -> None:
    assert faults_of(service) == []


async def test_an_operation_that_will_go_says_so_with_every_answer() -> None:
    app = FastAPI()
    going = deprecated_route(since=date(2026, 3, 2), sunset=date(2027, 3, 2), link="/docs#new")

    @app.get("/old", **going)
    async def old() -> str:
        return "still here"

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steward.test") as client:
        answer = await client.get("/old")

    assert answer.headers["deprecation"] == "@1772409600"
    assert answer.headers["sunset"] == "Tue, 02 Mar 2027 00:00:00 GMT"
    assert answer.headers["link"] == '</docs#new>; rel="deprecation"'
    described = app.openapi()["paths"]["/old"]["get"]
    assert (described["deprecated"], described["x-sunset"]) == (True, "2027-03-02")


def test_nothing_goes_within_a_year_of_its_announcement() -> None:
    with pytest.raises(ValueError, match="at least 365 days"):
        deprecated_route(since=date(2026, 3, 2), sunset=date(2026, 9, 1), link="/docs")
