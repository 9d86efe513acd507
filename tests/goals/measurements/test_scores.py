"""Released scores on their way to becoming measurements."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.goals.measurements.errors import MeasurementInvalid, NotARatio
from services.goals.measurements.operations.scores import (
    ReleasedScore,
    record_released_score,
    record_released_scores,
    take_pending_scores,
)
from shared.database import transaction
from shared.errors import NotFound
from shared.ids import new_id
from shared.messaging.outbox import Cause
from shared.periods.calendar import Period
from tests.goals.service import PROVIDER, Goals, waits

MARCH = Period(date(2026, 3, 1), "month")
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Cell:
    """A cell of feedback, release by release."""

    def __init__(self, goals: Goals, score: ReleasedScore) -> None:
        self.goals = goals
        self.score = score
        self.events: dict[int, UUID] = {}

    async def release(self, number: int, at: datetime, **changes: Any) -> None:
        """Hand in one release; the same number is the same event."""
        cause = Cause(self.events.setdefault(number, new_id()), 2)
        score = replace(self.score, number=number, released_at=at, numerator=Decimal(number * 10), **changes)
        async with transaction(self.goals.sessions) as session:
            await record_released_score(session, score, cause=cause, now=at)

    async def end_day(self, now: datetime) -> bool:
        """What the worker does now and then."""
        async with transaction(self.goals.sessions) as session:
            return await take_pending_scores(session, now=now)

    async def taken(self) -> list[tuple[int, int, str]]:
        """The vintages there are: number, numerator, status."""
        rows = await self.goals.rows("select * from goals.measurement order by vintage")
        return [(row["vintage"], int(row["numerator"]), row["obs_status"]) for row in rows]


@pytest.fixture
async def cell(goals: Goals) -> Cell:
    """A cell that feeds the ratio of trust A."""
    score = ReleasedScore(
        cell_id=new_id(),
        indicator_id=await goals.indicator_id("waits"),
        unit_id=await goals.unit_id("a"),
        period=MARCH,
        number=1,
        numerator=Decimal(10),
        denominator=Decimal(20),
        final=False,
        released_at=NOON,
    )
    return Cell(goals, score)


class TestRecordReleasedScore:
    async def test_the_first_of_a_day_is_taken_at_once_as_provisional(self, cell: Cell) -> None:
        await cell.release(1, NOON)

        assert await cell.taken() == [(1, 10, "P")]
        (row,) = await cell.goals.rows("select source, cause_id, value from goals.measurement")
        assert (row["source"], row["cause_id"], row["value"]) == ("feedback", cell.events[1], 50)

    async def test_its_event_and_mark_name_what_caused_them(self, cell: Cell) -> None:
        await cell.release(1, NOON)

        (told,) = await cell.goals.told("measurement.recorded")
        assert (told["causation_id"], told["causation_depth"]) == (cell.events[1], 3)
        (mark,) = await cell.goals.rows("select cause_event_id, cause_depth from goals.dirty")
        assert (mark["cause_event_id"], mark["cause_depth"]) == (told["event_id"], 3)

    async def test_of_the_others_the_newest_is_taken_when_the_day_is_over(self, cell: Cell) -> None:
        for number in (1, 2, 3):
            await cell.release(number, NOON)

        assert not await cell.end_day(NOON + timedelta(hours=11, minutes=59))
        assert await cell.taken() == [(1, 10, "P")]
        assert await cell.end_day(NOON + timedelta(hours=12))
        assert await cell.taken() == [(1, 10, "P"), (2, 30, "P")]
        assert not await cell.end_day(NOON + DAY)

    async def test_the_next_day_begins_anew_and_takes_what_waited_first(self, cell: Cell) -> None:
        await cell.release(1, NOON)
        await cell.release(2, NOON)

        await cell.release(3, NOON + DAY)

        assert await cell.taken() == [(1, 10, "P"), (2, 20, "P"), (3, 30, "P")]

    async def test_the_final_one_is_always_taken_and_ends_it(self, cell: Cell) -> None:
        await cell.release(1, NOON)
        await cell.release(2, NOON)
        await cell.release(3, NOON, final=True)
        await cell.release(4, NOON + DAY)

        assert not await cell.end_day(NOON + 2 * DAY)
        assert await cell.taken() == [(1, 10, "P"), (2, 30, "A")]

    async def test_a_replay_changes_nothing(self, cell: Cell) -> None:
        for _ in range(2):
            for number in (1, 2):
                await cell.release(number, NOON)
            await cell.end_day(NOON + DAY)
            await cell.release(3, NOON + DAY, final=True)

        assert await cell.taken() == [(1, 10, "P"), (2, 20, "P"), (3, 30, "A")]

    async def test_one_that_was_set_aside_and_comes_late_is_no_news(self, cell: Cell) -> None:
        await cell.release(1, NOON)
        await cell.release(3, NOON)
        await cell.release(2, NOON)
        await cell.end_day(NOON + DAY)
        await cell.release(2, NOON)

        assert await cell.taken() == [(1, 10, "P"), (2, 30, "P")]

    async def test_the_day_is_the_bodys(self, cell: Cell) -> None:
        # In British summer time both are on the first of April.
        await cell.release(1, datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
        await cell.release(2, datetime(2026, 4, 1, 10, tzinfo=UTC))

        assert len(await cell.taken()) == 1

    async def test_cells_that_feed_the_same_indicator_unit_and_period_are_pooled(self, cell: Cell) -> None:
        other = Cell(cell.goals, replace(cell.score, cell_id=new_id(), denominator=Decimal(60)))
        await cell.release(1, NOON)
        await other.release(2, NOON)
        await cell.release(3, NOON, final=True)
        await other.release(3, NOON)
        await other.end_day(NOON + DAY)
        await other.release(4, NOON + DAY, final=True)

        assert await cell.taken() == [(1, 10, "P"), (2, 30, "P"), (3, 50, "P"), (4, 60, "P"), (5, 70, "A")]
        rows = await cell.goals.rows("select denominator, value from goals.measurement order by vintage")
        assert [row["denominator"] for row in rows] == [20, 80, 80, 80, 80]
        assert rows[-1]["value"] == Decimal("87.5")

    async def test_cells_of_other_units_periods_and_indicators_are_not_pooled(self, cell: Cell) -> None:
        await cell.release(1, NOON)
        for change in (
            {"unit_id": await cell.goals.unit_id("b")},
            {"period": Period(date(2026, 2, 1), "month")},
        ):
            await Cell(cell.goals, replace(cell.score, cell_id=new_id())).release(1, NOON, **change)

        rows = await cell.goals.rows("select vintage, denominator from goals.measurement")
        assert [(row["vintage"], row["denominator"]) for row in rows] == [(1, 20)] * 3

    async def test_cells_taken_at_once_are_all_in_the_last_vintage(self, cell: Cell) -> None:
        cells = [Cell(cell.goals, replace(cell.score, cell_id=new_id())) for _ in range(6)]

        await asyncio.gather(*(one.release(1, NOON) for one in cells))

        assert [numerator for _, numerator, _ in await cell.taken()] == [10, 20, 30, 40, 50, 60]

    async def test_an_indicator_that_is_no_ratio_cannot_take_it(self, cell: Cell) -> None:
        visits = await cell.goals.indicator_id("visits")

        with pytest.raises(NotARatio):
            await cell.release(1, NOON, indicator_id=visits)

    async def test_a_period_that_the_indicator_has_not_is_refused(self, cell: Cell) -> None:
        with pytest.raises(MeasurementInvalid):
            await cell.release(1, NOON, period=Period(date(2026, 1, 1), "quarter"))

    @pytest.mark.parametrize("what", ["unit_id", "indicator_id"])
    async def test_what_goals_does_not_know_is_refused(self, cell: Cell, what: str) -> None:
        with pytest.raises(NotFound):
            await cell.release(1, NOON, **{what: new_id()})


class TestRecordReleasedScores:
    async def test_a_run_over_several_units_meets_other_writers_without_a_deadlock(self, goals: Goals) -> None:
        units = ["a", "b", "c", "north", "south"]
        scores = [
            ReleasedScore(
                cell_id=new_id(),
                indicator_id=await goals.indicator_id("waits"),
                unit_id=await goals.unit_id(unit),
                period=MARCH,
                number=1,
                numerator=Decimal(1),
                denominator=Decimal(20),
                final=False,
                released_at=NOON,
            )
            for unit in units
        ]
        await goals.batch("/v1/measurements:batch", [waits(unit) for unit in units], PROVIDER)

        async def consume(order: int) -> None:
            again = [replace(score, cell_id=new_id()) for score in scores[::order]]
            async with transaction(goals.sessions) as session:
                await record_released_scores(session, [(score, Cause(new_id(), 0)) for score in again], now=NOON)

        batches = [goals.batch("/v1/measurements:batch", [waits(unit) for unit in units], PROVIDER) for _ in range(3)]
        await asyncio.gather(consume(1), consume(-1), consume(1), *batches)

        rows = await goals.rows(
            "select max(vintage) as newest, count(*) from goals.measurement group by series_id, period_start"
        )
        assert sorted((row["newest"], row["count"]) for row in rows) == [(3, 3)] * 5 + [(4, 4)] * 5
