"""A value for a wrong year costs its own period, and can be taken back."""

from datetime import date, datetime
from unittest.mock import patch

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.domain import record
from tests.goals.evaluation.worlds import APRIL, World, founded, month

SLIP = month(1900, 1)
ITS_PERIODS = {
    ("month", date(1900, 1, 1)),
    ("quarter", date(1900, 1, 1)),
    ("year", date(1899, 4, 1)),
    ("record", date(1900, 1, 1)),
}


@pytest.fixture
async def world(goals_session: AsyncSession, now: datetime) -> World:
    """Two organisations below regions of their own, both with a value for April 2018."""
    world = await founded(goals_session, now)
    for region, unit in (("north", "a"), ("south", "b")):
        await world.unit(region, level="region")
        await world.unit(unit, region)
    await world.indicator()
    await world.assign("a", "b")
    await world.record("a", month(2018, 4), "3")
    await world.record("b", month(2018, 4), "4")
    await world.evaluate()
    return world


async def test_a_slip_of_a_century_is_one_more_period_for_the_unit_and_those_above(world: World) -> None:
    before = {unit: await world.periods(unit) for unit in ("nhs", "north", "a", "south", "b")}
    told = len(await world.told())

    await world.record("a", SLIP, "1")
    await world.evaluate()

    for unit in ("nhs", "north", "a"):
        assert await world.periods(unit) == (before[unit] - {("record", APRIL)}) | ITS_PERIODS, unit
    for unit in ("south", "b"):
        assert await world.periods(unit) == before[unit], unit
    assert {made.series.unit_id for made in (await world.told())[told:]} == {
        world.units[unit] for unit in ("nhs", "north", "a")
    }


async def test_periods_without_anything_are_not_computed(world: World) -> None:
    await world.record("a", SLIP, "1")

    with patch.object(record.Record, "pools", autospec=True, side_effect=record.Record.pools) as pools:
        await world.evaluate()

    periods = [call.args[1].period for call in pools.call_args_list]
    assert {(period.frequency, period.start) for period in periods} == ITS_PERIODS


async def test_a_unit_that_was_assigned_all_along_is_missing_since_then(world: World) -> None:
    await world.assign("b", start=date(2017, 12, 1), end=date(2018, 1, 31))

    await world.record("a", SLIP, "1")
    await world.evaluate()

    months = {start for frequency, start in await world.periods("south") if frequency == "month"}
    assert months == {date(2017, 12, 1), date(2018, 1, 1), APRIL}


async def test_a_slip_that_is_said_not_to_apply_makes_nobody_missing_any_more(world: World) -> None:
    await world.assign("b", start=date(2017, 12, 1), end=date(2018, 1, 31))
    before = await world.periods("b")
    await world.record("a", SLIP, "1")
    await world.evaluate()
    told = len(await world.told())

    await world.record("a", SLIP, obs_status="M", missing_reason="wrong_year")
    await world.evaluate()

    assert await world.periods("b") == before
    (made,) = [one for one in (await world.told())[told:] if one.series.unit_id == world.units["b"]]
    gone = {(one.period.frequency, one.period.start) for one in made.periods if one.status == "not_expected"}
    assert gone >= {("month", date(2017, 12, 1)), ("month", date(2018, 1, 1)), ("quarter", date(2017, 10, 1))}
    assert [one.period.start for one in made.periods if one.period.frequency == "record"] == [APRIL]


async def test_what_is_told_of_a_period_with_nothing_in_it_is_told_once(world: World) -> None:
    await world.record("a", month(2018, 5), "1")
    await world.evaluate()
    assert ("month", date(2018, 5, 1)) in await world.periods("b")
    await world.record("a", month(2018, 5), obs_status="M", missing_reason="closed")
    await world.evaluate()
    told = len(await world.told())

    await world.target("nhs", "maintain_at_or_above", value="1", applies_below=True)
    await world.evaluate()

    again = [made.periods for made in (await world.told())[told:] if made.series.unit_id == world.units["b"]]
    assert date(2018, 5, 1) not in [one.period.start for periods in again for one in periods]
