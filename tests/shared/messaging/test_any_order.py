"""With the real handlers of every service: any order with duplicates leaves what the order of positions leaves.

A dead letter that is applied late is one such order, so replaying one is harmless.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback import worker as feedback
from services.feedback.schema import FeedbackTable
from services.goals import worker as goals
from services.goals.measurements.operations.scores import take_pending_scores
from services.goals.measurements.tables import Measurement, ScoreIntake
from services.reporting import worker as reporting
from services.reporting.schema import ReadTable
from shared.contracts import registry
from shared.messaging.applying import Handling, runs
from shared.messaging.envelope import Envelope
from tests.goals.evaluation.worlds import founded
from tests.shared.messaging.histories import deliveries, directories_and_results, released_scores

Rows = dict[str, list[tuple[Any, ...]]]
Look = Callable[[AsyncSession], Awaitable[Rows]]
# Derandomised: `make test` tries the same histories each time.
a_few_histories = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def left_by(session: AsyncSession, handling: Handling, events: Sequence[Envelope], look: Look) -> Rows:
    """What the handlers leave behind when they are given events in this order, taken back afterwards."""
    async with session.begin_nested() as attempt:
        for run in runs([event for event in events if handling.wants(event.type)]):
            await handling.apply(session, run)
        left = await look(session)
        await attempt.rollback()
    session.expunge_all()
    return left


async def rows_of(session: AsyncSession, tables: Sequence[Table]) -> Rows:
    """Every row of some tables."""
    found = {}
    for table in tables:
        every: Any = select(table).order_by(*table.primary_key)
        found[table.name] = [tuple(row) for row in await session.exec(every)]
    return found


async def read_models(session: AsyncSession) -> Rows:
    """All that reporting has made of events, but for the mark that says whether a copy in memory is still good."""
    return await rows_of(session, [t for t in ReadTable.metadata.sorted_tables if t.name != "directory_edition"])


async def directory(session: AsyncSession) -> Rows:
    """All that feedback has copied from goals."""
    copied = {"body", "unit", "indicator", "principal", "role_assignment"}
    return await rows_of(session, [t for t in FeedbackTable.metadata.sorted_tables if t.name in copied])


async def scores_taken(session: AsyncSession) -> Rows:
    """Once every day is over: the newest vintage of each period, and how far each cell was taken.

    How many vintages led there depends on what was known when; what stands does not.
    """
    while await take_pending_scores(session, now=datetime.fromisoformat("2019-06-01T00:00:00+00:00")):
        pass
    vintages: Any = select(Measurement).order_by(col(Measurement.period_start), col(Measurement.vintage))
    newest = {m.period_start: m for m in (await session.execute(vintages)).scalars()}
    intakes: Any = select(ScoreIntake).order_by(col(ScoreIntake.cell_id))
    return {
        "measurement": [(start, m.numerator, m.denominator, m.obs_status) for start, m in newest.items()],
        "intake": [
            (i.cell_id, i.taken_release, i.taken_numerator, i.closed, i.pending_release)
            for i in (await session.execute(intakes)).scalars()
        ],
    }


class TestAnyOrder:
    @a_few_histories
    @given(data=st.data())
    async def test_reporting_ends_with_the_same_read_models(
        self, data: st.DataObject, reporting_session: AsyncSession
    ) -> None:
        handling = Handling(reporting.HANDLERS)
        history = data.draw(directories_and_results())

        in_order = await left_by(reporting_session, handling, history, read_models)

        assert await left_by(reporting_session, handling, data.draw(deliveries(history)), read_models) == in_order

    @a_few_histories
    @given(data=st.data())
    async def test_feedback_ends_with_the_same_directory(
        self, data: st.DataObject, feedback_session: AsyncSession
    ) -> None:
        handling = Handling(feedback.HANDLERS)
        history = data.draw(directories_and_results())

        in_order = await left_by(feedback_session, handling, history, directory)

        assert await left_by(feedback_session, handling, data.draw(deliveries(history)), directory) == in_order

    @settings(a_few_histories, max_examples=6)  # each of them records and pools many measurements
    @given(data=st.data())
    async def test_goals_ends_with_the_same_measurements(
        self, data: st.DataObject, goals_session: AsyncSession
    ) -> None:
        handling = Handling(goals.HANDLERS)
        async with goals_session.begin_nested() as world_around:
            world = await founded(goals_session, datetime.fromisoformat("2019-04-01T00:00:00+00:00"))
            unit_id = await world.unit("a")
            indicator_id = await world.indicator("experience", ratio=True)
            history = data.draw(released_scores(indicator_id, unit_id))

            in_order = await left_by(goals_session, handling, history, scores_taken)

            assert await left_by(goals_session, handling, data.draw(deliveries(history)), scores_taken) == in_order
            await world_around.rollback()

    def test_every_type_that_reporting_and_feedback_handle_is_in_the_histories(self) -> None:
        def kinds_drawn(data: st.DataObject) -> None:
            drawn.update(event.type for event in data.draw(directories_and_results()))

        drawn: set[str] = set()
        a_few_histories(given(st.data())(kinds_drawn))()

        for worker in (reporting, feedback):
            handling = Handling(worker.HANDLERS)
            assert {event.type for event in registry.all_events() if handling.wants(event.type)} <= drawn
