"""Scorecards and dashboard over HTTP: who sees what, how long it may be kept, and reading one's own writes."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from shared.messaging.handlers import Received
from tests.reporting.scorecards.conftest import Tell, client_of, signed_in, teller
from tests.reporting.told import assignment, evaluation, indicator, period, small_world, uid, unit

MARCH = date(2019, 3, 1)


@pytest_asyncio.fixture(scope="module")
async def world(tell: Tell) -> None:
    """An open and an internal indicator of two organisations, one of which has nothing else."""
    await tell(
        *small_world(),
        indicator("sickness", disclosure_class="internal"),
        evaluation("RF4", period(MARCH, "8660")),
        evaluation("RF4", period(MARCH, "400"), code="sickness"),
        unit("RX1", parent="north"),
        evaluation("RX1", period(MARCH, "300"), code="sickness"),
        *(evaluation(code, period(MARCH)) for code in ("S1", "S2", "S3")),
        *(unit(code, parent=None, level="team") for code in ("S1", "S2", "S3", "S4")),
    )


def tiles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [tile["indicator"]["code"] for tile in answer.json()["tiles"]]


@pytest.mark.usefixtures("world")
class TestScorecard:
    async def test_the_public_reads_open_indicators_without_a_token(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/scorecards/RF4")

        assert tiles(answer) == ["ae_4h"]
        figure = answer.json()["tiles"][0]["figure"]
        assert (figure["value"], figure["numerator"], figure["status"]) == ("86.6", "8660", "not_met")
        assert answer.json()["as_of"] == {"at": None, "logs": []}

    async def test_a_unit_with_nothing_open_has_no_tiles(self, client: httpx.AsyncClient) -> None:
        assert tiles(await client.get("/v1/scorecards/RX1")) == []

    @pytest.mark.parametrize(
        ("role", "scope", "seen"),
        [
            ("analyst", None, ["ae_4h", "sickness"]),
            ("data_provider", "RF4", ["ae_4h", "sickness"]),
            ("goal_leader", "london", ["ae_4h", "sickness"]),
            ("goal_leader", "north", ["ae_4h"]),
            ("follower", None, ["ae_4h"]),
        ],
    )
    async def test_a_role_sees_the_rest_of_its_own_units(
        self, client: httpx.AsyncClient, role: str, scope: str | None, seen: list[str]
    ) -> None:
        assert tiles(await client.get("/v1/scorecards/RF4", headers=signed_in(role, scope))) == seen

    async def test_a_forged_token_is_no_public_visit(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/scorecards/RF4", headers=signed_in("forged"))

        assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")

    async def test_what_the_public_sees_may_be_kept_and_what_a_role_sees_may_not(
        self, client: httpx.AsyncClient
    ) -> None:
        public = await client.get("/v1/scorecards/RF4")
        private = await client.get("/v1/scorecards/RF4", headers=signed_in("analyst"))

        assert public.headers["Cache-Control"].startswith("public, max-age=")
        assert private.headers["Cache-Control"] == "private, no-store"
        # Nor what was kept before a write to somebody who asks for what was written.
        assert {"Authorization", "Steward-After"} <= set(public.headers["Vary"].split(", "))

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/v1/scorecards/XXX", 404, "unit_not_found"),
            ("/v1/scorecards?indicator=sickness", 404, "indicator_not_found"),
            ("/v1/scorecards?indicator=nonsense", 404, "indicator_not_found"),
            ("/v1/scorecards/RF4?period=spring", 422, "invalid_input"),
            ("/v1/scorecards/RF4?period=week:2019-03-04", 422, "invalid_input"),
            ("/v1/scorecards/RF4?period=year:0001-01-01", 422, "invalid_input"),
            ("/v1/scorecards/RF4?period=9999-12", 422, "invalid_input"),
            ("/v1/scorecards?status=green", 422, "invalid_input"),
            ("/v1/scorecards?sort=colour", 400, "bad_sort"),
            ("/v1/scorecards?colour=green", 400, "unknown_parameter"),
            ("/v1/scorecards?limit=201", 422, "invalid_input"),
            ("/v1/results.csv?indicator=sickness", 404, "indicator_not_found"),
            ("/v1/results.csv?unit=XXX", 404, "unit_not_found"),
            ("/v1/results.csv?period_from=spring", 422, "invalid_input"),
        ],
    )
    async def test_what_cannot_be_answered_is_a_problem(
        self, client: httpx.AsyncClient, path: str, status: int, code: str
    ) -> None:
        answer = await client.get(path)

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize("asked", ["period=spring", "status=green", "limit=201"])
    async def test_a_wrong_parameter_is_named_alike_whoever_finds_it(
        self, client: httpx.AsyncClient, asked: str
    ) -> None:
        (wrong,) = (await client.get(f"/v1/scorecards?{asked}")).json()["errors"]

        assert wrong["where"] == f"query {asked.partition('=')[0]}"


@pytest.mark.usefixtures("world")
class TestDashboard:
    async def test_it_lists_units_with_a_cell_per_indicator(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/v1/scorecards?period=2019-03&q=rf")).json()

        assert [column["period"]["label"] for column in answer["columns"]] == ["March 2019"]
        assert [(row["unit"]["code"], row["cells"][0]["figure"]["value"]) for row in answer["items"]] == [
            ("RF4", "86.6")
        ]

    async def test_pages_go_on_with_the_cursor(self, client: httpx.AsyncClient) -> None:
        first = (await client.get("/v1/scorecards?limit=2")).json()
        second = (await client.get("/v1/scorecards", params={"limit": 2, "cursor": first["next"]})).json()

        assert [row["unit"]["code"] for row in first["items"] + second["items"]] == ["RF4", "RQM", "RX1"]
        assert second["next"] is None

    async def test_a_role_elsewhere_finds_no_more_than_the_public(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/scorecards?indicator=sickness", headers=signed_in("analyst", "RQM"))

        assert answer.status_code == 404

    async def test_a_role_compares_its_own_units(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/scorecards?indicator=sickness", headers=signed_in("analyst", "north"))

        assert [row["unit"]["code"] for row in answer.json()["items"]] == ["RX1"]


def mark(code: str) -> dict[str, str]:
    """The second version of a unit's series, as goals would have said it when it was written."""
    return {"Steward-After": f"goals/{uid(f'ae_4h {code} series')}/2"}


def second(code: str) -> Received[Any]:
    """The evaluation that has read it."""
    return evaluation(code, period(MARCH, "9000"), version=2, inputs_version=2)


@pytest.mark.usefixtures("world")
class TestReadingOnesOwnWrites:
    async def test_a_measurement_counts_once_its_evaluation_is_here(
        self, client: httpx.AsyncClient, tell: Tell
    ) -> None:
        before = await client.get("/v1/scorecards/S1", headers=mark("S1"))

        await tell(second("S1"))
        after = await client.get("/v1/scorecards/S1", headers=mark("S1"))

        assert (before.status_code, before.json()["code"], before.headers["Retry-After"]) == (503, "not_caught_up", "1")
        assert Decimal(after.json()["tiles"][0]["figure"]["value"]) == 90

    async def test_the_reader_may_wait_for_it(self, client: httpx.AsyncClient, tell: Tell) -> None:
        waiting = asyncio.create_task(client.get("/v1/results.csv?wait=5", headers=mark("S2")))
        await asyncio.sleep(0.1)

        await tell(second("S2"))

        assert (await waiting).status_code == 200

    async def test_a_state_counts_by_its_version(self, client: httpx.AsyncClient, tell: Tell) -> None:
        after = {"Steward-After": f"goals/{uid('S4')}/2"}
        before = await client.get("/v1/scorecards", headers=after)

        await tell(unit("S4", "Team 4", parent=None, level="team", version=2))

        assert [before.status_code, (await client.get("/v1/scorecards", headers=after)).status_code] == [503, 200]

    async def test_waiting_holds_no_connection(self, client: httpx.AsyncClient, tell: Tell) -> None:
        waiting = [asyncio.create_task(client.get("/v1/scorecards/S3?wait=9", headers=mark("S3"))) for _ in range(40)]
        await asyncio.sleep(0.3)

        meanwhile = await asyncio.wait_for(client.get("/v1/scorecards/RQM"), 5)
        await tell(second("S3"))

        assert meanwhile.status_code == 200
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_before_anything_is_known_the_caller_is_told_to_come_back(empty: FastAPI) -> None:
    async with client_of(empty) as client:
        answer = await client.get("/v1/scorecards")

    assert (answer.status_code, answer.json()["code"]) == (503, "nothing_known_yet")


async def test_assigned_units_are_listed_before_any_number_arrives(empty: FastAPI) -> None:
    await teller(empty)(*small_world(), assignment("RF4", until=date(2018, 3, 31), version=2))

    async with client_of(empty) as client:
        answer = (await client.get("/v1/scorecards?period=2019-03")).json()

    assert [row["cells"][0]["figure"]["status"] for row in answer["items"]] == ["not_expected", "no_information"]
