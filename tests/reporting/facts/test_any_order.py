"""Whatever order events arrive in, and however often, the read models end up the same."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory import operations
from services.reporting.directory.consumers import HANDLERS
from services.reporting.directory.tables import DirectoryEdition
from services.reporting.schema import ReadTable
from shared.contracts import UnitChanged
from shared.messaging.handlers import Received
from tests.reporting.told import (
    assignment,
    body,
    calendar,
    evaluation,
    hear,
    indicator,
    period,
    recorded,
    small_world,
    survey,
    unit,
)

APRIL, MAY = date(2018, 4, 1), date(2018, 5, 1)
HISTORY: list[Received[Any]] = [
    *small_world(),
    unit("RF4", "Barking", parent="london", version=2),
    unit("RF4", "Barking, moved", parent="north", version=3),
    indicator(version=2, direction="decrease"),
    indicator(version=3, frequency="quarter"),
    indicator(version=4),
    calendar(version=2),
    assignment("RF4", until=MAY, version=2),
    survey(),
    survey(feeds="ae_4h", version=2),
    *recorded("RF4", 1, 2, 3),
    evaluation("RF4", period(MAY), period(MAY, frequency="record"), version=1, inputs_version=1),
    evaluation("RF4", period(APRIL), period(APRIL, frequency="record"), version=2, inputs_version=2),
    evaluation("RF4", period(MAY, "9700"), period(APRIL, frequency="record"), version=3, inputs_version=3),
    evaluation("RF4", period(MAY, None, None), version=4, inputs_version=4),
    body(),
]


async def read_models(session: AsyncSession) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every read model."""
    found = {}
    for table in ReadTable.metadata.sorted_tables:
        if table.name == DirectoryEdition.__tablename__:
            continue  # another one after each statement, by design
        every: Any = select(table).order_by(*table.primary_key)
        rows = await session.exec(every)
        found[table.name] = [tuple(row) for row in rows]
    return found


async def models_after(session: AsyncSession, events: list[Received[Any]]) -> dict[str, list[tuple[Any, ...]]]:
    async with session.begin_nested() as attempt:
        await hear(session, *events)
        found = await read_models(session)
        await attempt.rollback()
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_with_duplicates_gives_the_same_read_models(
    data: st.DataObject, reporting_session: AsyncSession
) -> None:
    told_in_order = await models_after(reporting_session, HISTORY)
    repeated = data.draw(st.lists(st.sampled_from(HISTORY), max_size=10))

    shuffled = data.draw(st.permutations([*HISTORY, *repeated]))

    assert await models_after(reporting_session, shuffled) == told_in_order


async def test_a_read_model_that_takes_whatever_comes_last_is_found(
    reporting_session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep_last(session: AsyncSession, model: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            await session.merge(model(**row))
        await session.flush()

    monkeypatch.setattr(operations, "keep_newest", keep_last)

    in_order = await models_after(reporting_session, HISTORY)
    assert await models_after(reporting_session, HISTORY[::-1]) != in_order


async def test_a_run_with_several_versions_of_one_thing_keeps_the_newest(reporting_session: AsyncSession) -> None:
    run = [unit("RF4", "third", version=3), unit("RF4", "first", version=1), unit("RF4", "second", version=2)]

    await HANDLERS[UnitChanged](reporting_session, run)

    assert [row[2] for row in (await read_models(reporting_session))["unit"]] == [{"en": "third"}]


async def test_there_is_one_record_and_it_is_the_newest(reporting_session: AsyncSession) -> None:
    await hear(reporting_session, evaluation("RF4", period(MAY, frequency="record"), version=1))

    await hear(reporting_session, evaluation("RF4", period(APRIL, frequency="record"), version=2))

    values = (await read_models(reporting_session))["result_value"]
    assert [(row[1], row[2]) for row in values] == [("record", APRIL)]
