"""Whatever happens in whatever order, results are those of a computation from the beginning."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.evaluation.tables import ResultValue
from services.goals.recalculation.operations import mark_dirty
from shared.periods.calendar import Period
from tests.goals.evaluation.worlds import World, founded, month

UNITS = ("north", "south", "a", "b", "c")
MONTHS = [month(2009, 6), *(month(2018, number) for number in (2, 3, 4, 7, 12))]
REPORTS = st.one_of(
    st.tuples(st.integers(0, 9), st.sampled_from(["A", "P", "E", "B"])),
    st.tuples(st.none(), st.sampled_from(["O", "M"])),
)
STEPS = st.one_of(
    st.tuples(st.just("record"), st.sampled_from(UNITS), st.sampled_from(MONTHS), REPORTS),
    st.tuples(st.just("assign"), st.sampled_from(UNITS), st.sampled_from(MONTHS), st.booleans()),
    st.tuples(st.just("move"), st.sampled_from("abc"), st.sampled_from(["nhs", "north", "south"])),
    st.tuples(st.just("target"), st.sampled_from(("nhs", *UNITS)), st.integers(1, 9), st.booleans()),
    st.tuples(st.just("evaluate"), st.integers(1, 3)),
)


async def take(world: World, step: tuple[Any, ...]) -> None:
    """Do one thing; what a rule of the domain refuses is not done."""
    match step:
        case ("record", unit, period, (value, status)):
            reason = None if status not in "MO" else "because"
            given = None if value is None else str(value)
            await world.record(unit, period, given, obs_status=status, missing_reason=reason)
        case ("assign", unit, Period(start=start), ends):
            try:
                await world.assign(unit, start=start, end=date(2018, 8, 31) if ends else None)
            except AssertionError:
                return
        case ("move", unit, parent):
            await world.move(unit, parent)
        case ("target", unit, value, below):
            await world.target(unit, "maintain_at_or_above", value=str(value), applies_below=below)
        case ("evaluate", rows):
            await evaluate_dirty(world.session, now=world.now, rows_at_once=rows)


@pytest.fixture
async def world(goals_session: AsyncSession, now: Any) -> World:
    """Two regions, three organisations."""
    world = await founded(goals_session, now)
    for code in UNITS:
        await world.unit(code, "nhs" if code in ("north", "south", "c") else "north")
    await world.indicator(aggregation_over_time="last", aggregation_over_units="mean")
    return world


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
async def test_incremental_results_equal_a_computation_from_the_beginning(world: World, steps: list[Any]) -> None:
    savepoint = await world.session.begin_nested()
    try:
        for step in steps:
            await take(world, step)
        await world.evaluate()
        kept = await world.everything()

        await world.session.exec(delete(ResultValue))
        await mark_dirty(world.session)
        await world.evaluate()

        assert kept == await world.everything()
    finally:
        await savepoint.rollback()
        world.session.expire_all()


async def test_the_comparison_finds_a_result_that_was_not_computed_again(world: World) -> None:
    await world.record("a", MONTHS[0], "3")
    await world.evaluate()
    kept = await world.everything()
    await world.record("a", MONTHS[0], "4")

    await world.session.exec(delete(ResultValue))
    await mark_dirty(world.session)
    await world.evaluate()

    assert kept != await world.everything()
