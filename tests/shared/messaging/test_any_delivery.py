"""Whatever is delivered, in which pieces and however often: the same read model, and each event applied once."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import UnitChanged
from shared.database import transaction
from shared.ids import new_id
from shared.messaging.applying import Handling
from shared.messaging.consumer import Brake
from shared.messaging.dead_letters import held_back_subjects, replay
from shared.messaging.envelope import Envelope
from shared.messaging.handlers import Handlers, InvalidEvent, Received
from shared.messaging.sequencer import sequence_once
from tests.shared.messaging.events import NOW, Service, calendar_changed, tell, unit_changed
from tests.shared.messaging.following import (
    UNITS,
    Batches,
    LogFeed,
    applied_positions,
    consumer_of,
    envelopes,
    on_unit_changed,
    prepare,
    seen,
)

EVENTS = 24
UNIT_IDS = [new_id() for _ in range(4)]
pieces = st.tuples(st.integers(0, EVENTS), st.integers(0, EVENTS)).map(sorted)
deliveries = st.lists(pieces, min_size=1, max_size=8)
orders = st.permutations(range(EVENTS)).flatmap(
    lambda order: st.lists(st.sampled_from(order), max_size=10).map(lambda again: [*order, *again])
)
# The fixtures make one database for all examples; each example begins by clearing it.
on_one_database = settings(
    max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
async def history(goals: Service, reporting: Service) -> list[Envelope]:
    """States of a few units, one after the other, with calendars that nobody here handles in between."""
    await prepare(reporting)
    versions = dict.fromkeys(UNIT_IDS, 0)
    for number in range(EVENTS):
        if number % 5 == 4:
            await tell(goals.sessions, goals.tables, calendar_changed())
            continue
        unit = UNIT_IDS[number * number % 7 % len(UNIT_IDS)]
        versions[unit] += 1
        event = unit_changed(unit, name=f"event {number}")
        await tell(goals.sessions, goals.tables, event, subject=unit, first_version=versions[unit])
    await sequence_once(goals.pool, schema="goals", now=NOW)
    return await envelopes(goals)


def units_in(history: Sequence[Envelope]) -> list[Envelope]:
    """The events that are handled."""
    return [event for event in history if event.type == UnitChanged.type]


def newest(history: Sequence[Envelope]) -> dict[UUID, tuple[str, int]]:
    """What the read model must say."""
    return {
        event.subject: (json.loads(event.raw)["data"]["name"]["en"], event.subject_version)
        for event in units_in(history)
    }


async def clear(follower: Service) -> None:
    """Forget everything that was applied."""
    for table in ("progress", "dead_letter", "reporting_read.seen", "reporting_read.journal"):
        await follower.pool.execute(f"delete from {table}")


class TestAnyDelivery:
    @on_one_database
    @given(delivered=deliveries)
    async def test_any_pieces_in_any_order_and_number_are_applied_once(
        self, goals: Service, reporting: Service, history: list[Envelope], delivered: list[list[int]]
    ) -> None:
        await clear(reporting)
        batches = [history[first:last] for first, last in delivered if first < last]
        source = Batches([*batches])
        consumer = consumer_of(reporting, goals)

        while source.batches:
            await consumer.step(source)

        # A gap brings all that the owner has, so everything is there as soon as one piece did not begin at the front.
        reached = len(await envelopes_up_to(reporting, history))
        assert reached >= max((batch[-1].position for batch in batches), default=0)
        assert await applied_positions(reporting) == [event.position for event in units_in(history[:reached])]
        assert await seen(reporting) == newest(history[:reached])

    @on_one_database
    @given(order=orders)
    async def test_states_in_any_order_with_duplicates_give_the_same_read_model(
        self, reporting: Service, history: list[Envelope], order: list[int]
    ) -> None:
        await clear(reporting)
        handling = Handling([UNITS])

        async with transaction(reporting.sessions) as session:
            for event in units_in([history[number] for number in order]):
                await handling.apply(session, [event])

        assert await seen(reporting) == newest(history)

    @on_one_database
    @given(poisoned=st.sets(st.integers(1, EVENTS)))
    async def test_whatever_was_set_aside_replaying_it_late_gives_the_same_read_model(
        self, goals: Service, reporting: Service, history: list[Envelope], poisoned: set[int]
    ) -> None:
        await clear(reporting)

        async def refuse(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
            if any(event.position in poisoned for event in events):
                raise InvalidEvent("poisoned")
            await on_unit_changed(session, events)

        refusing: Handlers = {UnitChanged: refuse}
        consumer = consumer_of(reporting, goals, handlers=[refusing], brake=Brake(failures=EVENTS + 1))
        while await consumer.step(LogFeed(goals)):
            pass
        await replay(reporting.sessions, reporting.tables, Handling([UNITS]), now=NOW)

        assert await seen(reporting) == newest(history)
        async with transaction(reporting.sessions) as session:
            assert await held_back_subjects(session, reporting.tables.dead_letter) == frozenset()


async def envelopes_up_to(follower: Service, history: Sequence[Envelope]) -> Sequence[Envelope]:
    """The part of the history that the progress row says is applied."""
    position = await follower.pool.fetchval("select coalesce(max(position), 0) from progress")
    return history[:position]
