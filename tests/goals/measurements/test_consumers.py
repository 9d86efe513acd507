"""Released scores as they arrive from feedback."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.measurements.consumers import on_score_released
from services.goals.measurements.tables import Measurement
from shared.contracts import PeriodKey, ScoreReleased
from shared.messaging.handlers import InvalidEvent, Received
from tests.goals.evaluation.worlds import World, founded


@pytest.fixture
async def world(goals_session: AsyncSession, now: datetime) -> World:
    """A unit and a rate that scores feed."""
    world = await founded(goals_session, now)
    await world.unit("a")
    await world.indicator("experience", ratio=True)
    return world


def released(world: World, *, unit_id: UUID, final: bool = True) -> Received[ScoreReleased]:
    """Twelve answers with a mean of 4, as an event."""
    score = ScoreReleased(
        cell_id=uuid4(),
        survey_id=uuid4(),
        survey_code="waiting",
        question_id="q1",
        indicator_id=world.indicators["experience"],
        unit_id=unit_id,
        period=PeriodKey(frequency="month", start=date(2018, 4, 1)),
        release=1,
        final=final,
        count=12,
        numerator=Decimal(48),
        denominator=Decimal(12),
    )
    return Received(
        data=score,
        id=uuid4(),
        subject=score.cell_id,
        subject_version=1,
        time=world.now,
        recorded_at=world.now,
        log_id=uuid4(),
        position=1,
        actor=None,
        causation_depth=0,
    )


class TestOnScoreReleased:
    @pytest.mark.parametrize(("final", "status"), [(True, "A"), (False, "P")])
    async def test_a_released_score_becomes_a_measurement_that_names_its_cause(
        self, world: World, final: bool, status: str
    ) -> None:
        event = released(world, unit_id=world.units["a"], final=final)

        await on_score_released(world.session, [event])

        measurement = (await world.session.exec(select(Measurement))).one()
        assert (measurement.numerator, measurement.denominator) == (Decimal(48), Decimal(12))
        assert (measurement.source, measurement.cause_id) == ("feedback", event.id)
        assert measurement.obs_status == status

    async def test_it_reaches_the_results(self, world: World) -> None:
        await on_score_released(world.session, [released(world, unit_id=world.units["a"])])

        await world.evaluate()

        made = await world.told()
        assert {one.series.unit_id for one in made} == {world.units["a"], world.units["nhs"]}
        assert {period.value for one in made for period in one.periods} == {Decimal(400)}

    async def test_the_same_release_twice_is_one_measurement(self, world: World) -> None:
        event = released(world, unit_id=world.units["a"])

        await on_score_released(world.session, [event, event])

        assert len((await world.session.exec(select(Measurement))).all()) == 1

    async def test_a_unit_that_nobody_knows_makes_the_event_invalid(self, world: World) -> None:
        with pytest.raises(InvalidEvent):
            await on_score_released(world.session, [released(world, unit_id=uuid4())])
