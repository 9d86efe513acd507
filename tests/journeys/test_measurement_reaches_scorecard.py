"""A number goes in through goals and is read on a scorecard; a correction stays beside what it corrects."""

import asyncio
from typing import Any

import httpx
import pytest_asyncio

from tests.journeys.running import Journey, tile

MONTH = "2018-07-01"
WAITS = "journey-waits"


@pytest_asyncio.fixture(autouse=True)
async def indicator(journey: Journey) -> None:
    """An indicator of these tests' own, so that the record stays as it was loaded."""
    definition = {
        "code": WAITS,
        "name": {"en": "Waits"},
        "definition": {"en": "Share of people seen in time."},
        "direction": "increase",
        "unit_of_measure": {"en": "%"},
        "ratio": {"numerator": {"en": "Seen in time"}, "denominator": {"en": "People"}},
        "aggregation_over_time": "pooled_ratio",
        "aggregation_over_units": "pooled_ratio",
        "disclosure_class": "open",
        "frequency": "month",
    }
    async with journey.client("goals", "performance_officer") as goals:
        answer = await goals.post("/v1/indicators", json=definition, headers={"Idempotency-Key": WAITS})
    assert answer.status_code == 201, answer.text


def figures(numerator: int) -> dict[str, Any]:
    return {
        "indicator": WAITS,
        "unit": "RGT",
        "period": {"frequency": "month", "start": MONTH},
        "numerator": str(numerator),
        "denominator": "10000",
    }


async def record(goals: httpx.AsyncClient, numerator: int, **headers: str) -> httpx.Response:
    answer = await goals.post("/v1/measurements", json=figures(numerator), headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


async def test_a_measurement_is_read_on_the_scorecard_by_whoever_waits_for_it(journey: Journey) -> None:
    async with journey.client("goals", "data_provider") as goals, journey.client("reporting") as public:
        written = (await record(goals, 9321)).headers["Steward-Written"]

        shown = await tile(public, "RGT", WAITS, period="2018-07", wait=10, headers={"Steward-After": written})

    assert shown["figure"]["value"] == "93.21"


async def test_a_correction_and_a_resend_each_leave_a_vintage(journey: Journey) -> None:
    query = {"indicator": WAITS, "unit": "RGT", "period_from": MONTH, "period_to": MONTH, "vintages": "all"}
    async with journey.client("goals", "data_provider") as goals, journey.client("reporting") as public:
        before = (await goals.get("/v1/measurements", params=query)).json()["items"]

        await record(goals, 9400)
        written = (await record(goals, 9400)).headers["Steward-Written"]

        after = (await goals.get("/v1/measurements", params=query)).json()["items"]
        shown = await tile(public, "RGT", WAITS, period="2018-07", wait=10, headers={"Steward-After": written})
    assert len(after) == len(before) + 2
    assert {row["vintage"] for row in after} == set(range(1, len(after) + 1))
    assert shown["figure"]["value"] == "94"


async def test_the_same_request_sent_again_is_the_same_vintage(journey: Journey) -> None:
    async with journey.client("goals", "data_provider") as goals:
        first = await record(goals, 9500, **{"Idempotency-Key": f"journey-{journey.stack.events}"})
        again = await record(goals, 9500, **{"Idempotency-Key": f"journey-{journey.stack.events}"})

    assert again.json() == first.json()
    assert again.headers["Steward-Written"] == first.headers["Steward-Written"]


async def until_pooled(public: httpx.AsyncClient, unit: str, numerator: int) -> dict[str, Any]:
    """The figure of a unit above, once it counts: a measurement is told of its own unit first, the totals follow."""
    async with asyncio.timeout(10):
        while True:
            tiles = (await public.get(f"/v1/scorecards/{unit}", params={"period": "2018-07"})).json()["tiles"]
            for each in tiles:
                if each["indicator"]["code"] == WAITS and each["figure"]["numerator"] == str(numerator):
                    return dict(each["figure"])
            await asyncio.sleep(0.1)


async def test_units_above_are_pooled_again(journey: Journey) -> None:
    async with journey.client("goals", "data_provider") as goals, journey.client("reporting") as public:
        region = (await public.get("/v1/scorecards/RGT")).json()["parents"][-1]["code"]
        for numerator in (0, 10_000):
            await record(goals, numerator)

            assert (await until_pooled(public, region, numerator))["denominator"] == "10000"


async def test_an_indicator_that_is_not_open_does_not_exist_for_the_public(journey: Journey) -> None:
    code = f"closed-{journey.stack.events}"
    indicator = {
        "code": code,
        "name": {"en": "Closed"},
        "definition": {"en": "For the body's own people."},
        "direction": "increase",
        "unit_of_measure": {"en": "cases"},
        "aggregation_over_time": "sum",
        "aggregation_over_units": "sum",
        "disclosure_class": "internal",
        "frequency": "month",
    }
    measurement = {**figures(0), "indicator": code, "numerator": None, "denominator": None, "value": "12"}
    async with (
        journey.client("goals", "performance_officer") as goals,
        journey.client("reporting") as public,
        journey.client("reporting", "analyst") as analyst,
    ):
        assert (await goals.post("/v1/indicators", json=indicator)).status_code == 201
        written = (await goals.post("/v1/measurements", json=measurement)).headers["Steward-Written"]
        after = {"Steward-After": written}

        shown = await tile(analyst, "RGT", code, period="2018-07", wait=10, headers=after)
        hidden = await public.get("/v1/results.csv", params={"indicator": code})
        card = (await public.get("/v1/scorecards/RGT")).json()

    assert shown["figure"]["value"] == "12"
    assert hidden.status_code == 404
    assert code not in {tile["indicator"]["code"] for tile in card["tiles"]}
