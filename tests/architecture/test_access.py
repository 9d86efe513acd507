"""Every route opens for the roles and units that `access.csv` names, and for no others."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.postgres.bootstrap import SERVICES
from tests.architecture.access import feedback, goals, planted, reporting
from tests.architecture.access.completeness import unmatched
from tests.architecture.access.matrix import Matrix, faults_in, matrix_of, read
from tests.architecture.access.walking import Cases, Service, Walk
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor, SignsTokens, service_on

CASES: Mapping[str, Cases] = {"goals": goals.CASES, "feedback": feedback.CASES, "reporting": reporting.CASES}
ROWS = read()
MATRIX: Mapping[str, Matrix] = {service: matrix_of(service, ROWS) for service in SERVICES}
ROUTES = [(service, route) for service, cases in CASES.items() for route in cases]
PLANTED = matrix_of("goals", [*ROWS, *planted.ROWS])


@pytest.mark.parametrize("service", SERVICES)
def test_every_role_of_every_route_has_one_row(service: str) -> None:
    assert faults_in(MATRIX[service]) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_and_every_way_to_name_a_unit_has_a_row(service: str, walks: Mapping[str, Walk]) -> None:
    assert unmatched(walks[service].service.app, MATRIX[service], CASES[service]) == []


@pytest.mark.parametrize(("service", "route"), ROUTES)
async def test_a_route_answers_each_role_as_it_is_written(service: str, route: str, walks: Mapping[str, Walk]) -> None:
    assert await walks[service].faults_of(route, CASES[service][route], MATRIX[service]) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_unit_that_has_moved_away_is_foreign_at_once(service: str, walks: Mapping[str, Walk]) -> None:
    walk = walks[service]
    await walk.move(walk.abroad)

    faults = [
        fault
        for route, ways in CASES[service].items()
        for fault in await walk.faults_after_the_move(route, ways, MATRIX[service])
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
        assert set(await spoilt.faults_of(route, planted.CASES[route], PLANTED)) == planted.FAULTS[route]

    async def test_a_route_that_forgets_the_scope_is_found_after_a_move_too(self, spoilt: Walk) -> None:
        route = "GET /v1/forgetful/{key}"
        await spoilt.move(spoilt.abroad)

        faults = await spoilt.faults_after_the_move(route, planted.CASES[route], PLANTED)
        await spoilt.move(spoilt.home)

        assert len(set(faults)) == len(planted.READERS.split("|"))

    async def test_a_role_with_one_permission_too_many_is_found(self, spoilt: Walk) -> None:
        roles = spoilt.service.app.state.roles
        spoilt.service.app.state.roles = {**roles, "analyst": roles["analyst"] | {"calendars:write"}}
        route = "POST /v1/calendars"

        faults = await spoilt.faults_of(route, goals.CASES[route], PLANTED)
        spoilt.service.app.state.roles = roles

        assert faults == [f"{route} by whole body: analyst for any gets 201, not 403"]

    def test_a_route_without_a_row_is_found(self, spoilt: Walk) -> None:
        rows = [row for row in [*ROWS, *planted.ROWS] if row.route != "GET /v1/open/{key}"]
        cases = {**goals.CASES, **planted.CASES}
        del cases["GET /v1/open/{key}"]

        assert unmatched(spoilt.service.app, matrix_of("goals", rows), cases) == [
            "GET /v1/open/{key}: access.csv has no row"
        ]

    def test_a_row_of_a_route_that_is_gone_is_found(self, walks: Mapping[str, Walk]) -> None:
        faults = unmatched(walks["goals"].service.app, PLANTED, goals.CASES)

        assert faults == [f"{route}: there is no such route" for route in sorted(planted.CASES)]

    @pytest.mark.parametrize(
        ("route", "how"),
        [
            ("GET /v1/units", "filter"),
            ("GET /v1/units", "list"),
            ("GET /v1/units", "cursor"),
            ("POST /v1/units", "body"),
            ("POST /v1/units:batch", "item"),
            ("PATCH /v1/units/{key}", "path"),
            ("PATCH /v1/units/{key}", "body"),
        ],
    )
    def test_a_way_without_a_row_is_found(self, route: str, how: str, walks: Mapping[str, Walk]) -> None:
        rows = {place: row for place, row in MATRIX["goals"].items() if place != (route, how)}
        last = route not in {name for name, _ in rows}

        faults = unmatched(walks["goals"].service.app, rows, goals.CASES)

        assert faults == [f"{route}: access.csv has no row" + ("" if last else f" by {how}")]

    def test_a_role_that_a_way_forgets_is_found(self) -> None:
        rows = [row for row in ROWS if not (row.route == "GET /v1/units" and "nobody" in row.roles)]

        assert faults_in(matrix_of("goals", rows)) == [
            f"GET /v1/units by {how}: no row for nobody" for how in ("list", "cursor", "filter")
        ]
