"""What a person records is told of its own unit before the totals are evaluated."""

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.operations import own_first
from services.goals.evaluation.operations.own_first import FEW, evaluate_own_first
from services.goals.evaluation.queries import inputs_of
from services.goals.recalculation.tables import Dirty
from tests.goals.evaluation.worlds import World, founded, in_short, month


@pytest.fixture
async def world(goals_session: AsyncSession, now: datetime) -> World:
    """Two organisations below one region, a year of them evaluated, held against a target of the region."""
    world = await founded(goals_session, now)
    await world.unit("north", level="region")
    await world.unit("a", "north")
    await world.unit("b", "north")
    await world.indicator(ratio=True)
    await world.assign("a", "b")
    for number in range(4, 10):
        for code in ("a", "b"):
            await world.record(code, month(2018, number), numerator="90", denominator="100")
    await world.target("north", "maintain_at_or_above", value="95", applies_below=True)
    await world.evaluate()
    return world


class TestEvaluateOwnFirst:
    async def test_its_own_unit_is_told_and_nothing_above(self, world: World) -> None:
        before = len(await world.told())
        await world.record("a", month(2018, 6), numerator="99", denominator="100")

        await evaluate_own_first(world.session, now=world.now)

        assert [each.series.unit_id for each in (await world.told())[before:]] == [world.units["a"]]
        assert in_short(await world.result("a", month(2018, 6))) == "99 from 1 of 1"
        assert (await world.result("a", month(2018, 6))).status == "met"
        assert in_short(await world.result("north", month(2018, 6))) == "90 from 2 of 2"

    async def test_evaluating_everything_then_finds_the_unit_unchanged(self, world: World) -> None:
        await world.record("a", month(2018, 6), numerator="99", denominator="100")
        await evaluate_own_first(world.session, now=world.now)
        before = len(await world.told())

        await world.evaluate()

        later = [each.series.unit_id for each in (await world.told())[before:]]
        assert world.units["a"] not in later
        assert sorted(later) == sorted([world.units["north"], world.units["nhs"]])

    async def test_a_unit_that_pools_from_below_is_evaluated_with_all_below_it(self, world: World) -> None:
        await world.record("north", month(2018, 6), numerator="50", denominator="100")
        await evaluate_own_first(world.session, now=world.now)
        before = len(await world.told())

        await world.evaluate()

        assert [each.series.unit_id for each in (await world.told())[before:]] == [world.units["nhs"]]

    async def test_the_marks_stay_for_the_totals(self, world: World) -> None:
        await world.record("a", month(2018, 6), numerator="99", denominator="100")
        marks = (await world.session.exec(select(Dirty.id))).all()

        await evaluate_own_first(world.session, now=world.now)

        assert (await world.session.exec(select(Dirty.id))).all() == marks

    async def test_a_period_that_is_new_to_all_is_left_to_the_whole(self, world: World) -> None:
        before = await world.told()
        await world.record("a", month(2018, 12), numerator="99", denominator="100")

        await evaluate_own_first(world.session, now=world.now)

        assert await world.told() == before

    async def test_an_import_is_left_to_the_whole(self, world: World) -> None:
        before = await world.told()
        for _ in range(FEW + 1):
            await world.record("a", month(2018, 6), numerator="99", denominator="100")

        await evaluate_own_first(world.session, now=world.now)

        assert await world.told() == before

    async def test_what_was_seen_before_is_not_evaluated_again(self, world: World) -> None:
        await world.record("a", month(2018, 6), numerator="99", denominator="100")
        seen = await evaluate_own_first(world.session, now=world.now)
        await world.record("b", month(2018, 6), numerator="98", denominator="100")
        before = len(await world.told())

        newer = await evaluate_own_first(world.session, after=seen, now=world.now)

        assert [each.series.unit_id for each in (await world.told())[before:]] == [world.units["b"]]
        assert newer > seen
        assert await evaluate_own_first(world.session, after=newer, now=world.now) == newer

    async def test_one_that_fails_is_left_to_the_whole_and_harms_no_other(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.indicator("beds")
        await world.record("a", month(2018, 6), "7", indicator="beds")
        await world.evaluate()
        await world.record("a", month(2018, 6), "8", indicator="beds")
        await world.record("a", month(2018, 6), numerator="99", denominator="100")
        failing = world.indicators["visits"]

        async def sometimes(session: Any, wanted: Any, *more: Any, **named: Any) -> Any:
            if wanted.indicator_id == failing:
                raise RuntimeError("broken")
            return await inputs_of(session, wanted, *more, **named)

        monkeypatch.setattr(own_first, "inputs_of", sometimes)
        before = len(await world.told())

        await evaluate_own_first(world.session, now=world.now)

        assert [each.series.indicator_id for each in (await world.told())[before:]] == [world.indicators["beds"]]
