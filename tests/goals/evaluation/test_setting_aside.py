"""An indicator that cannot be evaluated holds up no other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from structlog.testing import capture_logs

from services.goals.evaluation.domain.evaluating import evaluate
from services.goals.evaluation.domain.record import Inputs
from services.goals.evaluation.operations import evaluating
from services.goals.evaluation.operations.evaluating import evaluate_dirty
from services.goals.evaluation.queries import inputs_of
from services.goals.recalculation.tables import Dirty
from tests.goals.evaluation.worlds import World, founded, in_short, month

APRIL = month(2018, 4)


@pytest.fixture
async def world(goals_session: AsyncSession, now: datetime) -> World:
    """A unit that reports two indicators, neither evaluated yet; `poison` is told by its rule over units."""
    world = await founded(goals_session, now)
    await world.unit("a")
    for code in ("visits", "poison"):
        await world.indicator(code, aggregation_over_units="max" if code == "poison" else "sum")
        await world.assign("a", indicator=code)
        await world.record("a", APRIL, "3", indicator=code)
    return world


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the evaluation of one of the two fail."""

    def failing(inputs: Inputs, wanted: Any) -> Any:
        if inputs.rules.over_units == "max":
            raise ArithmeticError("planted")
        return evaluate(inputs, wanted)

    monkeypatch.setattr(evaluating, "evaluate", failing)


async def step(world: World, **later: int) -> int:
    """One step of the loop, some time later."""
    return await evaluate_dirty(world.session, now=world.now + timedelta(**later))


async def waiting(world: World) -> list[tuple[int, float]]:
    """What is on the list: how often it failed, and in how many seconds it is due."""
    rows = (await world.session.exec(select(Dirty.failures, Dirty.not_before).order_by(col(Dirty.id)))).all()
    return [(failures, (until - world.now).total_seconds()) for failures, until in rows if until]


def failures() -> float:
    """What the metric has counted."""
    return REGISTRY.get_sample_value("steward_evaluation_failures_total", {"indicator": "poison"}) or 0


@pytest.mark.usefixtures("poison")
async def test_the_others_go_on_and_what_failed_stays_on_the_list(world: World) -> None:
    before = failures()
    with capture_logs() as logs:
        await world.evaluate()

    assert in_short(await world.result("nhs", APRIL)) == "3 from 1 of 1"
    assert await world.periods("a", indicator="poison") == set()
    assert await waiting(world) == [(1, 1.0)]
    (said,) = [one for one in logs if one["event"] == "evaluation_failed"]
    assert (said["indicator"], said["error"]) == ("poison", "ArithmeticError: planted")
    assert failures() == before + 1


@pytest.mark.usefixtures("poison")
async def test_it_is_tried_again_after_growing_pauses(world: World) -> None:
    await world.evaluate()

    assert await step(world, milliseconds=999) == 0
    assert await step(world, seconds=1) == 1
    assert await waiting(world) == [(2, 3.0)]
    for _ in range(12):
        ((_, due),) = await waiting(world)
        await step(world, seconds=int(due))
    ((_, last),) = await waiting(world)
    assert last - due == 300


@pytest.mark.usefixtures("poison")
async def test_a_new_mark_of_what_waits_waits_with_it(world: World) -> None:
    await world.evaluate()
    before = failures()

    await world.record("a", month(2018, 5), "4", indicator="poison")
    await world.evaluate()

    assert failures() == before
    assert await waiting(world) == [(1, 1.0), (1, 1.0)]
    await step(world, seconds=1)
    assert await waiting(world) == [(2, 3.0)]


async def test_all_that_was_touched_meanwhile_is_evaluated_once_it_can_be(
    world: World, monkeypatch: pytest.MonkeyPatch, poison: None
) -> None:
    await world.evaluate()
    await world.record("a", month(2018, 5), "4", indicator="poison")
    await world.evaluate()

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    await step(world, seconds=1)

    assert await waiting(world) == []
    for period, value in ((APRIL, "3 from 1 of 1"), (month(2018, 5), "4 from 1 of 1")):
        assert in_short(await world.result("nhs", period, indicator="poison")) == value


async def test_a_failing_statement_is_set_aside_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(session: AsyncSession, wanted: Any, reach: Any) -> Inputs:
        if wanted.indicator_id == world.indicators["poison"]:
            await session.exec(select(func.sqrt(-1)))
        return await inputs_of(session, wanted, reach)

    monkeypatch.setattr(evaluating, "inputs_of", failing)
    await world.evaluate()

    assert in_short(await world.result("nhs", APRIL)) == "3 from 1 of 1"
    assert await waiting(world) == [(1, 1.0)]
