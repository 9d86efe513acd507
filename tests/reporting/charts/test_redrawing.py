"""Charts are drawn from the stored facts, whenever those change, and come back as they were drawn."""

import random
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.charts.domain import StoredChart, xmr
from services.reporting.charts.operations import redraw
from services.reporting.charts.queries import charts_of
from services.reporting.charts.tables import Chart
from services.reporting.facts.tables import ResultValue
from tests.pages.world import Counts, World, known_as, months

RESULT = known_as("result/waits/N1")
LAST = date(2019, 3, 1)
COUNTS: Counts = {month: (900 + 7 * index % 50, 1000) for index, month in enumerate(months(date(2018, 1, 1), 15))}


def told(counts: Counts = COUNTS, *, target: int | None = 95, **changes: str) -> World:
    """A body with one organisation and its figures."""
    world = World()
    world.body("Rivershire")
    world.unit("N1", "Northgate", "root", "organisation")
    world.indicator("waits", "Seen within four hours", **changes)
    world.figures("waits", {"N1": counts}, target=target, expected_to=LAST)
    return world


async def chart_at(session: AsyncSession) -> StoredChart:
    """The stored chart of the organisation."""
    return (await charts_of(session, [RESULT], "month"))[RESULT]


class TestRedraw:
    async def test_it_draws_what_the_rules_say_of_the_stored_values(self, reporting_session: AsyncSession) -> None:
        await told().apply(reporting_session)

        values = [float(Decimal(numerator) / denominator * 100) for numerator, denominator in COUNTS.values()]
        expected = xmr(values, direction="increase", target=95.0)
        stored = await chart_at(reporting_session)
        assert stored.starts == tuple(COUNTS)
        assert [(p.rule, p.kind, p.side) for p in stored.xmr.points] == [
            (p.rule, p.kind, p.side) for p in expected.points
        ]
        assert stored.xmr.assurance == expected.assurance

    async def test_it_comes_back_bit_for_bit(self, reporting_session: AsyncSession) -> None:
        source = random.Random(11)  # noqa: S311 - a repeatable series, not a secret
        await told({month: (source.randrange(1, 9_999_991), 9_999_991) for month in COUNTS}).apply(reporting_session)
        rows = await reporting_session.exec(
            select(ResultValue).where(ResultValue.result_id == RESULT, ResultValue.frequency == "month")
        )
        values = {row.period_start: float(row.value or 0) for row in rows}

        stored = await chart_at(reporting_session)

        drawn = xmr([values[start] for start in stored.starts], direction="increase", target=95.0)
        assert repr(stored.xmr) == repr(drawn)

    async def test_a_month_without_a_row_is_a_gap(self, reporting_session: AsyncSession) -> None:
        await told({month: counts for month, counts in COUNTS.items() if month != date(2018, 6, 1)}).apply(
            reporting_session
        )

        stored = await chart_at(reporting_session)

        assert stored.starts == tuple(COUNTS)
        assert stored.xmr.points[5].value is None

    async def test_months_in_which_nothing_was_expected_are_not_drawn(self, reporting_session: AsyncSession) -> None:
        await told({month: counts for month, counts in COUNTS.items() if month < date(2018, 12, 1)}).apply(
            reporting_session
        )

        assert (await chart_at(reporting_session)).starts[-1] == date(2018, 11, 1)

    async def test_doing_it_again_changes_nothing(self, reporting_session: AsyncSession) -> None:
        await told().apply(reporting_session)
        before = repr(await chart_at(reporting_session))

        await redraw(reporting_session, [RESULT, RESULT])

        assert repr(await chart_at(reporting_session)) == before

    async def test_the_whole_record_has_no_chart(self, reporting_session: AsyncSession) -> None:
        await told().apply(reporting_session)

        assert await charts_of(reporting_session, [RESULT], "record") == {}

    async def test_a_chart_carries_the_rules_it_was_drawn_by(self, reporting_session: AsyncSession) -> None:
        await told().apply(reporting_session)

        row = await reporting_session.get(Chart, (RESULT, "month"))

        assert row is not None
        assert row.rule_set["name"] == "xmr-making-data-count"
        assert row.rule_set["limit"] == 2.66
        assert row.rule_set["screened"] is True


class TestConsumers:
    @pytest.mark.parametrize("seed", range(4))
    async def test_any_order_with_repeats_gives_the_same_charts(
        self, reporting_session: AsyncSession, seed: int
    ) -> None:
        straight, shuffled = told(), told()
        await straight.apply(reporting_session)
        expected = repr(await chart_at(reporting_session))
        for table in (Chart, ResultValue):
            for row in (await reporting_session.exec(select(table))).all():
                await reporting_session.delete(row)
        source = random.Random(seed)  # noqa: S311 - a repeatable order, not a secret
        shuffled.events += shuffled.events[::2]
        source.shuffle(shuffled.events)

        await shuffled.apply(reporting_session)

        assert repr(await chart_at(reporting_session)) == expected

    async def test_another_direction_is_another_judgement(self, reporting_session: AsyncSession) -> None:
        falling = {month: (900 - 9 * index, 1000) for index, month in enumerate(COUNTS)}
        world = told(falling)
        await world.apply(reporting_session)
        before = (await chart_at(reporting_session)).xmr.variation

        again = World()
        again.indicator("waits", "Seen within four hours", direction="decrease")
        again.events = [(event, subject, 2) for event, subject, _ in again.events]
        await again.apply(reporting_session)

        assert (before, (await chart_at(reporting_session)).xmr.variation) == ("concern_low", "improvement_low")
