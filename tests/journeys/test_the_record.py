"""The public record on the dashboard, the scorecards and in the export, against sums made from the source file."""

import csv
import io
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas
import pytest

from deploy.demo.record import DATA
from tests.journeys.running import Journey, tile

REGIONS = {
    "Y56": "86.72",
    "Y58": "87.15",
    "Y59": "85.83",
    "Y60": "80.48",
    "Y61": "84.07",
    "Y62": "84.57",
    "Y63": "89.73",
    "other-providers": "99.55",
}
"""Four-hour waits of March 2019, as published with the record."""


def two_places(value: str) -> str:
    return str(Decimal(value).quantize(Decimal("0.01")))


def sums_from_the_source() -> dict[str, tuple[int, int]]:
    """Attendances within four hours and attendances by month, from the source file by plain Python."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    with (DATA / "nhs_ae_attendances.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sums[row["period"]][0] += int(row["attendances"]) - int(row["breaches"])
            sums[row["period"]][1] += int(row["attendances"])
    return {period: (within, all_of_them) for period, (within, all_of_them) in sums.items()}


async def test_the_national_figure_pools_all_who_were_expected(journey: Journey) -> None:
    async with journey.client("reporting") as public:
        national = await tile(public, "england", "ae-4h", period="2019-03")

    assert two_places(national["figure"]["value"]) == "86.60"
    assert national["figure"]["coverage"] == {"reported": 226, "expected": 226, "held_back": 0}
    assert national["figure"]["status"] == "not_met"
    assert two_places(national["record"]["value"]) == "88.48"


@pytest.mark.parametrize(("region", "expected"), REGIONS.items())
async def test_each_region_pools_its_own(journey: Journey, region: str, expected: str) -> None:
    async with journey.client("reporting") as public:
        pooled = await tile(public, region, "ae-4h", period="2019-03")

    assert two_places(pooled["figure"]["value"]) == expected


async def test_the_dashboard_tells_not_expected_from_missing(journey: Journey) -> None:
    statuses: dict[str, int] = defaultdict(int)
    async with journey.client("reporting") as public:
        parameters = {"period": "2019-03", "indicator": "ae-4h", "limit": "200"}
        while True:
            answer = (await public.get("/v1/scorecards", params=parameters)).json()
            for row in answer["items"]:
                statuses[row["cells"][0]["figure"]["status"]] += 1
            if not answer["next"]:
                break
            parameters["cursor"] = answer["next"]

    assert sum(statuses.values()) == 274
    assert statuses["not_expected"] == 48
    assert statuses["no_information"] == 0


async def results(journey: Journey) -> str:
    async with journey.client("reporting") as public:
        answer = await public.get("/v1/results.csv", params={"frequency": "month", "indicator": "ae-4h"})
    assert answer.headers["content-type"].startswith("text/csv")
    return answer.text


async def test_pandas_reads_the_export_and_gets_the_sums_of_the_source(journey: Journey) -> None:
    frame = pandas.read_csv(io.StringIO(await results(journey)))

    organisations = frame[frame["level"] == "organisation"]
    sums = organisations.groupby("period_start")[["numerator", "denominator"]].sum()

    assert {str(start): (int(row.numerator), int(row.denominator)) for start, row in sums.iterrows()} == (
        sums_from_the_source()
    )


async def test_duckdb_reads_the_export_and_gets_the_sums_of_the_source(journey: Journey, tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    file.write_text(await results(journey))

    relation = duckdb.sql(
        f"select period_start::text, sum(numerator)::bigint, sum(denominator)::bigint from read_csv('{file}')"
        " where level = 'organisation' group by 1"
    )

    assert relation is not None
    assert {start: (within, everybody) for start, within, everybody in relation.fetchall()} == sums_from_the_source()


async def test_the_pages_show_the_same_figure_and_offer_the_numbers(journey: Journey) -> None:
    async with journey.client("reporting") as public:
        card = await public.get("/scorecards/england", params={"period": "2019-03"})
        dashboard = await public.get("/scorecards", params={"period": "2019-03"})

    assert "86.60 %" in card.text
    assert "226 of 226" in card.text
    for page in (card, dashboard):
        assert "Download these numbers" in page.text
    assert dashboard.text.count('href="/scorecards/') >= 274
