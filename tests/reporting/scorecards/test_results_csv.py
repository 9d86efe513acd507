"""Every number as CSV, read back by the programmes that analysts use."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import httpx
import pandas as pd
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.reporting.scorecards.domain.asking import ResultFilters
from services.reporting.scorecards.formats.results_csv import COLUMNS
from services.reporting.scorecards.queries import results
from tests.reporting.scorecards.conftest import Tell, client_of, signed_in, teller
from tests.reporting.told import evaluation, indicator, period, small_world, uid, unit

FEBRUARY, MARCH = date(2019, 2, 1), date(2019, 3, 1)


@pytest_asyncio.fixture(scope="module")
async def world(tell: Tell) -> None:
    """Three organisations with two months each, a region's total, and an internal indicator."""
    await tell(
        *small_world(["RF4", "RQM"]),
        unit("=RX1", '=HYPERLINK("x")', parent="north"),
        indicator("sickness", disclosure_class="internal"),
        evaluation("RF4", period(FEBRUARY, "9600"), period(MARCH, "8660", target_inherited_from=uid("england"))),
        evaluation("RQM", period(FEBRUARY, "9700"), period(MARCH, "-5", "10000")),
        evaluation("=RX1", period(FEBRUARY, None, None), period(date(2018, 4, 1), frequency="year")),
        evaluation("london", period(MARCH, "8655", "20000"), own_series=False),
        evaluation("RF4", period(MARCH, "400"), code="sickness"),
    )


async def rows_of(client: httpx.AsyncClient, query: str = "", **headers: str) -> list[dict[str, str]]:
    answer = await client.get(f"/v1/results.csv{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.usefixtures("world")
class TestRows:
    async def test_there_is_one_per_indicator_unit_and_period_in_that_order(self, client: httpx.AsyncClient) -> None:
        rows = await rows_of(client)

        assert [(row["unit_code"], row["frequency"], row["period_start"]) for row in rows] == [
            ("'=RX1", "month", "2019-02-01"),
            ("'=RX1", "year", "2018-04-01"),
            ("RF4", "month", "2019-02-01"),
            ("RF4", "month", "2019-03-01"),
            ("RQM", "month", "2019-02-01"),
            ("RQM", "month", "2019-03-01"),
            ("london", "month", "2019-03-01"),
        ]

    async def test_each_says_everything_about_its_number(self, client: httpx.AsyncClient) -> None:
        row = (await rows_of(client, "?unit=RF4&period=2019-03"))[0]

        assert {name: row[name] for name in COLUMNS if row[name] != ""} == {
            "unit_code": "RF4",
            "unit_name": "RF4",
            "level": "organisation",
            "region_code": "london",
            "region_name": "London",
            "indicator_code": "ae_4h",
            "indicator_name": "Indicator ae_4h",
            "frequency": "month",
            "period_start": "2019-03-01",
            "period_label": "March 2019",
            "value": "86.6",
            "numerator": "8660",
            "denominator": "10000",
            "unit_of_measure": "%",
            "target_type": "maintain_at_or_above",
            "target_value": "95",
            "target_inherited_from": "england",
            "target_derived": "false",
            "status": "not_met",
            "status_rule": "value_below_target",
            "reported": "1",
            "expected": "1",
            "parts_held_back": "0",
            "obs_status": "A",
            "update_held_back": "false",
        }

    async def test_text_that_a_spreadsheet_would_compute_is_quoted_and_numbers_are_not(
        self, client: httpx.AsyncClient
    ) -> None:
        rows = await rows_of(client)

        assert rows[0]["unit_name"] == '\'=HYPERLINK("x")'
        assert rows[5]["numerator"] == "-5"

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?frequency=year", 1),
            ("?level=region", 1),
            ("?region=london&level=organisation", 4),
            ("?q=rqm", 2),
            ("?status=met", 2),
            ("?period=2019-03", 3),
            ("?period_from=2019-03", 3),
            ("?period_to=2019-02-28&frequency=month", 3),
            ("?indicator=ae_4h&unit=RQM", 2),
            ("?unit=RQM&frequency=quarter", 0),
        ],
    )
    async def test_the_filters_of_the_dashboard_hold(self, client: httpx.AsyncClient, query: str, found: int) -> None:
        assert len(await rows_of(client, query)) == found

    async def test_a_role_also_gets_what_is_not_open_in_its_units(self, client: httpx.AsyncClient) -> None:
        own = await rows_of(client, "?indicator=sickness", **signed_in("analyst", "london"))
        foreign = await client.get("/v1/results.csv?indicator=sickness", headers=signed_in("analyst", "north"))

        assert (len(own), foreign.status_code) == (1, 404)

    async def test_a_small_chunk_gives_the_same_rows(
        self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = await rows_of(client)

        monkeypatch.setattr(results, "RESULTS_PER_CHUNK", 1)

        assert await rows_of(client) == whole


@pytest.mark.usefixtures("world")
class TestReaders:
    async def test_pandas_reads_numbers_as_numbers(self, client: httpx.AsyncClient) -> None:
        text = (await client.get("/v1/results.csv?frequency=month&level=organisation")).text

        frame = pd.read_csv(io.StringIO(text), parse_dates=["period_start"])

        assert frame.groupby("period_start")["numerator"].sum().to_list() == [19300, 8655]

    async def test_duckdb_reads_numbers_as_numbers(self, client: httpx.AsyncClient, tmp_path: Path) -> None:
        file = tmp_path / "results.csv"
        file.write_text((await client.get("/v1/results.csv?frequency=month&level=organisation")).text)

        with duckdb.connect() as database:
            database.execute(f"select period_start, sum(numerator) from '{file}' group by 1 order by 1")
            sums = database.fetchall()

        assert sums == [(FEBRUARY, 19300), (MARCH, 8655)]


async def test_it_is_sent_without_holding_a_connection(empty: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    await teller(empty)(*small_world(), evaluation("RF4"), evaluation("RQM"))
    monkeypatch.setattr(results, "RESULTS_PER_CHUNK", 1)
    async with empty.state.sessions() as session, session.begin():
        export = await results.checked_export(session, ResultFilters())

    held = [empty.state.engine.pool.checkedout() async for _ in results.stream_results(empty.state.sessions, export)]

    assert held == [0, 0]


async def test_a_decimal_keeps_its_digits(empty: FastAPI) -> None:
    exact = "12345678901234567.890000000000"
    await teller(empty)(*small_world(), evaluation("RF4", period(value=Decimal(exact))))

    async with client_of(empty) as client:
        assert (await rows_of(client))[0]["value"] == exact
