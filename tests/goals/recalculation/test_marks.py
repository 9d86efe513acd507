"""Marks of what has to be computed again."""

from datetime import date

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.recalculation.operations import mark_dirty
from services.goals.recalculation.tables import Dirty
from shared.ids import new_id
from shared.messaging.outbox import Cause
from shared.periods.calendar import Period


class TestMarkDirty:
    async def test_what_is_left_out_stands_for_all(self, goals_session: AsyncSession) -> None:
        unit_id = new_id()

        await mark_dirty(goals_session, unit_id=unit_id)

        mark = (await goals_session.exec(select(Dirty))).one()
        assert (mark.indicator_id, mark.unit_id, mark.disaggregation, mark.frequency) == (None, unit_id, None, None)

    async def test_the_headline_is_not_every_disaggregation(self, goals_session: AsyncSession) -> None:
        await mark_dirty(goals_session, disaggregation={}, period=Period(date(2019, 3, 1), "month"))

        mark = (await goals_session.exec(select(Dirty))).one()
        assert (mark.disaggregation, mark.frequency, mark.period_start) == ({}, "month", date(2019, 3, 1))

    async def test_each_touch_is_a_row_of_its_own_with_its_cause(self, goals_session: AsyncSession) -> None:
        unit_id, event_id = new_id(), new_id()

        await mark_dirty(goals_session, unit_id=unit_id)
        await mark_dirty(goals_session, unit_id=unit_id, cause=Cause(event_id, 3))

        marks = (await goals_session.exec(select(Dirty).order_by(Dirty.id))).all()  # type: ignore[arg-type]  # SQLModel types the column as its value
        assert [(mark.cause_event_id, mark.cause_depth) for mark in marks] == [(None, 0), (event_id, 3)]
