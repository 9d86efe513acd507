"""Evaluation from recorded values to stored and told results."""

from datetime import date, datetime

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.periods.calendar import Period
from tests.goals.evaluation.worlds import APRIL, World, founded, month

YEAR = Period(APRIL, "year")
QUARTER = Period(APRIL, "quarter")
RECORD = Period(APRIL, "record")


@pytest.fixture
async def world(goals_session: AsyncSession, now: datetime) -> World:
    """Two organisations below one region."""
    world = await founded(goals_session, now)
    await world.unit("north", level="region")
    await world.unit("a", "north")
    await world.unit("b", "north")
    await world.indicator()
    await world.assign("a", "b")
    return world


class TestEvaluateDirty:
    async def test_a_value_reaches_every_level_and_every_longer_period(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.record("b", month(2018, 4), "4")
        await world.record("b", month(2018, 5), "5")
        await world.evaluate()

        april = await world.result("nhs", month(2018, 4))
        assert (april.value, april.reported, april.expected) == (7, 2, 2)
        for period in (QUARTER, YEAR, RECORD):
            longer = await world.result("north", period)
            assert (longer.value, longer.reported, longer.expected) == (12, 3, 4), period
