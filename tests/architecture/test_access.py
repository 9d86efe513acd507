"""The right role for the wrong unit opens nothing: every route, every way to name a unit, every role that it admits."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.postgres.bootstrap import SERVICES
from shared.http.routes import Operation, operations_of
from tests.architecture.access import feedback, goals, planted, reporting
from tests.architecture.access.completeness import unmatched
from tests.architecture.access.public import PUBLIC
from tests.architecture.access.walking import Cases, Service, Walk
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor, SignsTokens, service_on

CASES: Mapping[str, Cases] = {"goals": goals.CASES, "feedback": feedback.CASES, "reporting": reporting.CASES}
ROUTES = [(service, route) for service, cases in CASES.items() for route in cases]


def operation_of(app: FastAPI, route: str) -> Operation:
    return next(operation for operation in operations_of(app) if operation.name == route)


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_and_every_way_to_name_a_unit_has_a_case(service: str, walks: Mapping[str, Walk]) -> None:
    assert unmatched(walks[service].service.app, PUBLIC[service], CASES[service]) == []


@pytest.mark.parametrize(("service", "route"), ROUTES)
async def test_a_role_opens_a_route_for_its_own_units_alone(
    service: str, route: str, walks: Mapping[str, Walk]
) -> None:
    walk = walks[service]

    assert await walk.faults_of(operation_of(walk.service.app, route), CASES[service][route]) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_unit_that_has_moved_away_is_foreign_at_once(service: str, walks: Mapping[str, Walk]) -> None:
    walk = walks[service]
    await walk.move(walk.abroad)

    faults = [
        fault
        for operation in operations_of(walk.service.app)
        for fault in await walk.faults_after_the_move(operation, CASES[service].get(operation.name, ()))
    ]
    await walk.move(walk.home)

    assert faults == []


@pytest_asyncio.fixture(scope="module")
async def spoilt(
    walks: Mapping[str, Walk],
    databases: Mapping[str, Database],
    client_for: ClientFor,
    token: SignsTokens,
    issuer_directory: Path,
) -> AsyncIterator[Walk]:
    """Goals, with routes added that are wrong on purpose."""
    app = service_on(databases["goals"], issuer_directory, body=goals.ROOT)
    app.include_router(planted.router)
    async with client_for(app) as client:
        yield replace(walks["goals"], service=Service(app, client, token))


class TestPlantedFaults:
    @pytest.mark.parametrize("route", planted.FAULTS)
    async def test_a_wrong_answer_is_found(self, route: str, spoilt: Walk) -> None:
        operation = operation_of(spoilt.service.app, route)

        assert set(await spoilt.faults_of(operation, planted.CASES[route])) == planted.FAULTS[route]

    async def test_a_route_that_forgets_the_scope_is_found_after_a_move_too(self, spoilt: Walk) -> None:
        route = "GET /v1/forgetful/{key}"
        await spoilt.move(spoilt.abroad)

        faults = await spoilt.faults_after_the_move(operation_of(spoilt.service.app, route), planted.CASES[route])
        await spoilt.move(spoilt.home)

        assert faults
        assert set(faults) < planted.FAULTS[route]

    def test_an_unknown_route_is_found(self, spoilt: Walk) -> None:
        cases = {**goals.CASES, **planted.CASES}
        del cases["GET /v1/open/{key}"]

        assert unmatched(spoilt.service.app, PUBLIC["goals"], cases) == ["GET /v1/open/{key}: no case tries it"]

    def test_a_case_of_a_route_that_is_gone_is_found(self, spoilt: Walk) -> None:
        cases = {**goals.CASES, **planted.CASES, "GET /v1/gone": goals.CASES["GET /v1/body"]}

        assert unmatched(spoilt.service.app, PUBLIC["goals"], cases) == ["GET /v1/gone: there is no such route"]

    @pytest.mark.parametrize(
        ("route", "how"),
        [
            ("GET /v1/units", "filter"),
            ("GET /v1/units", "list"),
            ("POST /v1/units", "body"),
            ("POST /v1/units:batch", "item"),
            ("PATCH /v1/units/{key}", "path"),
            ("PATCH /v1/units/{key}", "body"),
        ],
    )
    def test_a_way_that_no_case_tries_is_found(self, route: str, how: str, spoilt: Walk) -> None:
        cases = {**goals.CASES, **planted.CASES, route: [way for way in goals.CASES[route] if way.how != how]}

        assert unmatched(spoilt.service.app, PUBLIC["goals"], cases) == [f"{route}: not tried by {how}"]
