"""Evaluation of the public record of four-hour waits, against the figures that were computed apart from it."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from services.goals.evaluation.domain.evaluating import Evaluated, evaluate
from services.goals.evaluation.domain.pooling import Amount, Observation, Rules
from services.goals.evaluation.domain.record import Inputs, Place
from services.goals.indicators.domain import Span
from shared.periods.calendar import FiscalCalendar, Period

DATA = Path(__file__).parent / "data"
NATION = UUID(int=1)
ALWAYS = Span(date(1900, 1, 1))
MARCH = date(2019, 3, 1)
REGIONS = {
    "London": "86.72",
    "South West": "87.15",
    "South East": "85.83",
    "Midlands": "80.48",
    "East of England": "84.07",
    "North West": "84.57",
    "North East and Yorkshire": "89.73",
    "no region": "99.55",
}


def rows(name: str) -> Iterator[tuple[dict[str, str], Observation]]:
    """The lines of an extract, each with its percentage within four hours."""
    with (DATA / name).open() as lines:
        for line in csv.DictReader(lines):
            seen, late = Decimal(line["attendances"]), Decimal(line["breaches"])
            within = seen - late
            yield line, Observation(Amount(within * 100 / seen, within, seen))


def named(name: str) -> UUID:
    """The id of a unit."""
    return uuid5(NATION, name)


def evaluated(
    places: dict[UUID, Place], observed: dict[UUID, dict[date, Observation]], first: date
) -> dict[UUID, list[Evaluated]]:
    """All units that report, and those above, up to March 2019."""
    percentage = Rules("pooled_ratio", "pooled_ratio", Decimal(100))
    inputs = Inputs(
        calendar=FiscalCalendar(start_month=4),
        frequency="month",
        rules=percentage,
        first=first,
        last=MARCH,
        places=places,
        assigned={unit: [ALWAYS] for unit in observed},
        observed=observed,
        targets={},
    )
    return evaluate(inputs, dict.fromkeys(places))


def shown(value: Decimal | None) -> str:
    """A percentage with two decimals, as the published figures have."""
    assert value is not None
    return f"{value:.2f}"


@pytest.fixture(scope="module")
def march() -> dict[UUID, list[Evaluated]]:
    """March 2019, organisation by organisation below its region."""
    places = {NATION: Place(None, ALWAYS)} | {named(region): Place(NATION, ALWAYS) for region in REGIONS}
    observed = {}
    for line, observation in rows("march_2019.csv"):
        places[named(line["organisation"])] = Place(named(line["region"]), ALWAYS)
        observed[named(line["organisation"])] = {MARCH: observation}
    return evaluated(places, observed, MARCH)


def of(evaluations: list[Evaluated], period: Period) -> Evaluated:
    """The one of a period."""
    return next(one for one in evaluations if one.period == period)


def test_the_nation_is_pooled_and_covers_all_226_organisations(march: dict[UUID, list[Evaluated]]) -> None:
    nation = of(march[NATION], Period(MARCH, "month"))

    assert shown(nation.value) == "86.60"
    assert (nation.reported, nation.expected) == (226, 226)


def test_the_mean_of_organisations_would_be_another_number() -> None:
    values = [observation.amount.value for _, observation in rows("march_2019.csv") if observation.amount]

    assert shown(sum(values, Decimal()) / len(values)) == "90.74"


@pytest.mark.parametrize(("region", "value"), REGIONS.items())
def test_each_region_is_pooled_from_its_own_organisations(
    march: dict[UUID, list[Evaluated]], region: str, value: str
) -> None:
    assert shown(of(march[named(region)], Period(MARCH, "month")).value) == value


def test_the_whole_record_is_pooled_over_36_months() -> None:
    first = date(2016, 4, 1)
    places = {NATION: Place(None, ALWAYS)} | {named(region): Place(NATION, ALWAYS) for region in REGIONS}
    observed: dict[UUID, dict[date, Observation]] = {}
    for line, observation in rows("regions_by_month.csv"):
        observed.setdefault(named(line["region"]), {})[date.fromisoformat(line["month"])] = observation

    record = of(evaluated(places, observed, first)[NATION], Period(first, "record"))

    assert shown(record.value) == "88.48"
    assert (record.reported, record.expected) == (288, 288)
