"""`validate_only=true`: every write takes it, answers as if it were done, and leaves the database as it was."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.postgres.bootstrap import SERVICES
from shared.http.routes import operations_of
from tests.architecture.access import feedback, goals
from tests.architecture.access.walking import ADMINISTRATOR, Cases, Walk
from tests.architecture.test_routes import application
from tests.fixtures.databases import Database

READS = ("GET", "HEAD")
CASES: Mapping[str, Cases] = {"goals": goals.CASES, "feedback": feedback.CASES}
ANSWERS = ["POST /v1/surveys/{key}/responses", "POST /v1/surveys/{key}/responses:batch"]
WRITES = [
    (service, name)
    for service, cases in CASES.items()
    for name in cases
    if not name.startswith(READS) and " /v1/" in name and name not in ANSWERS
]
TRIAL = {"validate_only": "true"}


def parameters_of(document: dict[str, Any], name: str) -> list[Any]:
    method, path = name.split()
    return list(document["paths"][path][method.lower()].get("parameters", []))


@pytest.mark.parametrize("service", SERVICES)
def test_every_write_takes_it_by_one_shared_parameter(service: str) -> None:
    app = application(service)
    writes = [each.name for each in operations_of(app) if each.in_schema and not each.name.startswith(READS)]

    shared = {"$ref": "#/components/parameters/validate_only"}
    assert [name for name in writes if shared not in parameters_of(app.openapi(), name)] == []
    assert [name for name in writes if (service, name) not in WRITES and name not in ANSWERS] == []


@pytest.mark.parametrize(("service", "route"), WRITES)
async def test_a_trial_is_answered_and_keeps_nothing(
    service: str, route: str, walks: Mapping[str, Walk], databases: Mapping[str, Database]
) -> None:
    walk = walks[service]
    for way in CASES[service][route]:
        request = await walk.request_for(route, way, walk.near, walk.near, "code")
        before = await everything(databases[service])

        answer = await walk.service.call(token=walk.service.sign(ADMINISTRATOR), params=TRIAL, **request)

        assert answer.is_success, answer.text
        assert answer.headers["steward-validate-only"] == "true"
        assert {"location", "steward-written"}.isdisjoint(answer.headers)
        assert "written" not in answer.text
        assert await everything(databases[service]) == before


@pytest.mark.parametrize("path", ["responses", "responses:batch"])
async def test_a_trial_of_an_answer_keeps_nothing(
    path: str, walks: Mapping[str, Walk], databases: Mapping[str, Database]
) -> None:
    walk = walks["feedback"]
    survey = (await feedback.opened(walk.service, walk.near, walk.near))["survey"]
    one = {"id": str(uuid4()), "version": 1, "language": "en", "answers": {"overall": "good"}}
    body = {"items": [one, {**one, "id": str(uuid4()), "version": 2}]} if path.endswith(":batch") else one
    before = await everything(databases["feedback"])

    answer = await walk.service.call("POST", f"/v1/surveys/{survey}/{path}", None, params=TRIAL, json=body)

    statuses = [item["status"] for item in answer.json().get("items", [])] or answer.status_code
    assert statuses == ([201, 422] if path.endswith(":batch") else 201), answer.text
    assert answer.headers["steward-validate-only"] == "true"
    assert await everything(databases["feedback"]) == before


async def everything(database: Database) -> Mapping[str, str]:
    """Every row of every table of a service, in short."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = $1", database.service)
        return {
            table["tablename"]: await connection.fetchval(
                f"""select count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '')
                from {database.service}.{table["tablename"]} t"""
            )
            for table in tables
        }
    finally:
        await connection.close()
