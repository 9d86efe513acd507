"""Evaluation from recorded values to stored and told results."""

from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.measurements.domain import Reported
from services.goals.measurements.operations.recording import NewMeasurement
from services.goals.recalculation.operations import mark_dirty
from services.goals.recalculation.tables import Dirty
from services.goals.schema import Outbox
from shared.contracts import EvaluationMade
from shared.messaging.outbox import DEEPEST_CAUSE, Cause
from shared.periods.calendar import Period
from tests.goals.evaluation.worlds import APRIL, World, founded, in_short, month

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
        assert in_short(april) == "7 from 2 of 2"
        for period in (QUARTER, YEAR, RECORD):
            longer = await world.result("north", period)
            assert in_short(longer) == "12 from 3 of 4", period

    async def test_the_rows_it_took_are_gone_and_others_stay(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.record("b", month(2018, 4), "4")
        await world.evaluate()
        await world.record("a", month(2018, 5), "3")
        await world.record("b", month(2018, 5), "4")

        taken = await evaluate_dirty(world.session, now=world.now, rows_at_once=1)

        assert taken == 1
        assert len((await world.session.exec(select(Dirty))).all()) == 1

    async def test_a_correction_is_read_in_its_newest_vintage(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.evaluate()

        await world.record("a", month(2018, 4), "2.50")
        await world.evaluate()

        own = await world.result("a", month(2018, 4))
        assert in_short(own) == "2.50 from 1 of 1"
        assert in_short(await world.result("nhs", RECORD)) == "2.5 from 1 of 2"

    async def test_a_correction_to_missing_takes_the_value_away(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.evaluate()

        await world.record("a", month(2018, 4), obs_status="O", missing_reason="withdrawn")
        await world.evaluate()

        own = await world.result("a", month(2018, 4))
        assert (own.value, own.obs_status, own.missing_reason) == (None, "O", "withdrawn")
        assert in_short(await world.result("nhs", month(2018, 4))) == "None from 0 of 2"

    async def test_a_moved_unit_changes_what_it_left_and_where_it_went(self, world: World) -> None:
        await world.unit("south", level="region")
        await world.record("a", month(2018, 4), "3")
        await world.record("b", month(2018, 4), "4")
        await world.evaluate()

        await world.move("a", "south")
        await world.evaluate()

        assert in_short(await world.result("north", month(2018, 4))) == "4 from 1 of 1"
        assert in_short(await world.result("south", month(2018, 4))) == "3 from 1 of 1"
        assert in_short(await world.result("nhs", month(2018, 4))) == "7 from 2 of 2"

    async def test_a_region_that_lost_its_last_unit_is_no_longer_expected(self, world: World) -> None:
        await world.unit("south", level="region")
        await world.record("a", month(2018, 4), "3")
        await world.evaluate()
        before = len(await world.told())

        await world.move("a", "south")
        await world.move("b", "south")
        await world.evaluate()

        assert await world.periods("north") == set()
        (made,) = [one for one in (await world.told())[before:] if one.series.unit_id == world.units["north"]]
        told = {(one.period.frequency, one.period.start, one.status, one.value) for one in made.periods}
        assert told == {
            (frequency, APRIL, "not_expected", None) for frequency in ("month", "quarter", "year", "record")
        }
        assert {(one.obs_status, one.missing_reason) for one in made.periods} == {("M", "not_expected")}

    async def test_after_an_ended_assignment_there_is_nothing_to_evaluate(self, world: World) -> None:
        await world.unit("c", "north")
        await world.assign("c", end=date(2018, 4, 30))
        await world.record("c", month(2018, 4), "1")
        await world.record("a", month(2018, 5), "1")
        await world.evaluate()

        assert {start for frequency, start in await world.periods("c") if frequency == "month"} == {APRIL}

    async def test_a_silent_unit_is_missing_as_soon_as_another_reports(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.evaluate()
        await world.record("a", month(2018, 5), "3")
        await world.evaluate()

        silent = await world.result("b", month(2018, 5))
        assert (silent.status, silent.status_rule, silent.expected) == ("no_information", "no_value", 1)

    async def test_an_earlier_value_moves_the_beginning_of_the_record(self, world: World) -> None:
        await world.assign("a", start=date(2018, 1, 1), end=date(2018, 3, 31))
        await world.record("a", month(2018, 4), "3")
        await world.evaluate()
        before = len(await world.told())

        await world.record("a", month(2018, 1), "1")
        await world.evaluate()

        assert in_short(await world.result("a", Period(date(2018, 1, 1), "record"))) == "4 from 2 of 4"
        news = next(made for made in (await world.told())[before:] if made.series.unit_id == world.units["a"])
        records = [one.period.start for one in news.periods if one.period.frequency == "record"]
        assert records == [date(2018, 1, 1)]


class TestTelling:
    async def test_only_what_changed_is_told(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.record("a", month(2018, 7), "3")
        await world.evaluate()
        before = len(await world.told())

        await world.record("a", month(2018, 7), "4")
        await world.evaluate()

        (own, *above) = sorted((await world.told())[before:], key=lambda made: made.series_id is None)
        assert {made.series.unit_id for made in above} == {world.units["north"], world.units["nhs"]}
        told = {(one.period.frequency, one.period.start) for one in own.periods}
        july = date(2018, 7, 1)
        assert told == {("month", july), ("quarter", july), ("year", APRIL), ("record", APRIL)}

    async def test_who_waits_for_a_series_is_told_even_where_no_number_moved(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await world.evaluate()
        before = len(await world.told())

        await world.record("a", month(2018, 4), "3")
        await world.evaluate()

        (made,) = (await world.told())[before:]
        assert (made.series.unit_id, made.inputs_version) == (world.units["a"], 2)
        assert "month" in {one.period.frequency for one in made.periods}

    async def test_a_target_before_any_number_is_told_as_applied(self, world: World) -> None:
        version = await world.target("a", "maintain_at_or_above", value="95")

        await world.evaluate()

        (made,) = await world.told()
        assert (made.inputs_version, made.periods) == (version, [])

    async def test_a_long_record_is_told_in_several_events_in_order(self, world: World) -> None:
        years = range(1960, 2000)
        new = [
            NewMeasurement("visits", "a", Reported(month(y, m), value=Decimal(1))) for y in years for m in range(1, 13)
        ]
        await world.record_all(new)

        await world.evaluate()

        made = [one for one in await world.told() if one.series.unit_id == world.units["a"]]
        told = [one.period.start for event in made for one in event.periods]
        assert len(made) > 1
        assert told == sorted(told)
        assert len(told) == 480 + 160 + 41 + 1
        (version,) = {event.inputs_version for event in made[-1:]}
        assert version == await world.series_version("a")
        assert {event.inputs_version for event in made[:-1]} == {0}

    async def test_it_names_the_deepest_cause(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        deep = Cause(uuid4(), 3)
        await mark_dirty(world.session, indicator_id=world.indicators["visits"], cause=deep)

        await world.evaluate()

        rows = (await world.session.exec(select(Outbox).where(Outbox.type == EvaluationMade.type))).all()
        assert {(row.causation_id, row.causation_depth) for row in rows} == {(deep.event_id, 4)}

    async def test_the_deepest_allowed_cause_can_still_be_evaluated(self, world: World) -> None:
        await world.record("a", month(2018, 4), "3")
        await mark_dirty(world.session, indicator_id=world.indicators["visits"], cause=Cause(uuid4(), DEEPEST_CAUSE))

        await world.evaluate()

        assert await world.told()


class TestTargets:
    async def test_a_target_applies_below_until_a_unit_has_its_own(self, world: World) -> None:
        await world.target("nhs", "maintain_at_or_above", value="5", applies_below=True)
        await world.target("b", "maintain_at_or_above", value="3")
        await world.record("a", month(2018, 4), "4")
        await world.record("b", month(2018, 4), "4")
        await world.evaluate()

        a, b = await world.result("a", month(2018, 4)), await world.result("b", month(2018, 4))
        assert (a.status, a.target_inherited_from) == ("not_met", world.units["nhs"])
        assert (b.status, b.target_inherited_from) == ("met", None)

    async def test_a_new_version_holds_from_its_day_and_the_old_one_before(self, world: World) -> None:
        await world.target("a", "maintain_at_or_above", value="5")
        await world.record("a", month(2018, 4), "4")
        await world.record("a", month(2018, 5), "4")
        await world.evaluate()

        await world.target("a", "maintain_at_or_above", value="3", valid_from=date(2018, 5, 1))
        await world.evaluate()

        assert (await world.result("a", month(2018, 4))).status == "not_met"
        assert (await world.result("a", month(2018, 5))).status == "met"

    async def test_a_derived_trajectory_says_that_it_is_derived(self, world: World) -> None:
        end = date(2019, 3, 31)
        begin = Period(date(2018, 3, 1), "month")
        await world.target("a", "increase_to", value="20", baseline="8", baseline_period=begin, valid_to=end)
        await world.record("a", month(2018, 9), "15")
        await world.evaluate()

        judged = await world.result("a", month(2018, 9))
        assert (judged.status, judged.status_rule, judged.target_derived) == ("on_track", "on_derived_trajectory", True)
        assert judged.target is not None
        assert judged.target["value"].startswith("14.01")
