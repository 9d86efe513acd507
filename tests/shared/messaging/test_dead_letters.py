"""Poisoned events: set aside, later ones go on, replay mends."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import UnitChanged
from shared.database import transaction
from shared.errors import RuleBroken
from shared.ids import new_id
from shared.messaging.applying import Handling
from shared.messaging.consumer import Brake, BrakeApplied
from shared.messaging.dead_letters import held_back_subjects, replay
from shared.messaging.handlers import Received
from tests.shared.messaging.events import NOW, Service, sequence, unit_changed
from tests.shared.messaging.following import (
    POISON,
    LogFeed,
    applied_positions,
    broken,
    consumer_of,
    envelopes,
    held_position,
    note,
    seen,
)

pytestmark = pytest.mark.usefixtures("read_model")


async def names_told(owner: Service, *names: str, subject: UUID | None = None, first_version: int = 1) -> None:
    """One unit event per name, numbered."""
    events = [unit_changed(subject, name=name) for name in names]
    await sequence(owner, *events, subject=subject, first_version=first_version)


async def held_back(follower: Service) -> frozenset[UUID]:
    """The subjects held back."""
    async with transaction(follower.sessions) as session:
        return await held_back_subjects(session, follower.tables.dead_letter)


class TestSetAside:
    @pytest.mark.parametrize(("name", "reason"), [(POISON, "this unit is poison"), ("null", "IntegrityError")])
    async def test_only_the_culprit_of_a_run_is_set_aside_and_the_rest_goes_on(
        self, goals: Service, reporting: Service, name: str, reason: str
    ) -> None:
        await names_told(goals, "one", "two", name, "four")

        await consumer_of(reporting, goals).step(LogFeed(goals))

        letter = await reporting.pool.fetchrow("select * from dead_letter")
        assert letter is not None
        assert await applied_positions(reporting) == [1, 2, 4]
        assert await held_position(reporting) == 4
        assert letter["position"] == 3
        assert reason in letter["reason"]

    async def test_an_event_that_breaks_its_contract_is_kept_with_its_bytes(
        self, goals: Service, reporting: Service
    ) -> None:
        await names_told(goals, "one", "two")
        first, second = await envelopes(goals)

        await consumer_of(reporting, goals).apply([broken(first), second])

        letter = await reporting.pool.fetchrow("select envelope, reason from dead_letter")
        assert letter is not None
        assert letter["envelope"] == broken(first).text
        assert "valid_from" in letter["reason"]
        assert "never" not in letter["reason"]
        assert await applied_positions(reporting) == [2]

    async def test_too_many_of_the_last_events_stop_the_consumer_at_the_last_straw(
        self, goals: Service, reporting: Service
    ) -> None:
        await names_told(goals, *(["fine"] * 3), *([POISON] * 6))
        consumer = consumer_of(reporting, goals, brake=Brake(failures=4, within=10))

        with pytest.raises(BrakeApplied, match="steward events replay --service reporting"):
            await consumer.step(LogFeed(goals))

        assert await held_position(reporting) == 7
        assert await reporting.pool.fetchval("select count(*) from dead_letter") == 4

    async def test_dead_letters_far_apart_do_not_stop_it(self, goals: Service, reporting: Service) -> None:
        await names_told(goals, *([*(["fine"] * 5), POISON] * 6))

        await consumer_of(reporting, goals, brake=Brake(failures=4, within=10)).step(LogFeed(goals))

        assert await held_position(reporting) == 36


class TestHeldBack:
    async def test_its_subject_is_held_back_until_a_later_version_of_the_state_comes(
        self, goals: Service, reporting: Service
    ) -> None:
        unit = new_id()
        await names_told(goals, POISON, subject=unit)
        await consumer_of(reporting, goals).step(LogFeed(goals))
        before = await held_back(reporting)

        await names_told(goals, "mended", subject=unit, first_version=2)
        await consumer_of(reporting, goals).step(LogFeed(goals))

        assert before == {unit}
        assert await held_back(reporting) == frozenset()
        assert (await seen(reporting))[unit] == ("mended", 2)

    async def test_news_of_another_subject_does_not_end_it(self, goals: Service, reporting: Service) -> None:
        unit = new_id()
        await names_told(goals, POISON, subject=unit)
        await names_told(goals, "another")

        await consumer_of(reporting, goals).step(LogFeed(goals))

        assert await held_back(reporting) == {unit}


class TestReplay:
    async def test_what_was_set_aside_is_applied_once_the_reason_is_mended(
        self, goals: Service, reporting: Service
    ) -> None:
        await names_told(goals, "one", POISON, "three")
        await consumer_of(reporting, goals).step(LogFeed(goals))

        outcome = await replay(reporting.sessions, reporting.tables, Handling([{UnitChanged: note}]), now=NOW)

        assert [(each.position, each.reason) for each in outcome] == [(2, None)]
        assert await applied_positions(reporting) == [1, 2, 3]
        assert await held_back(reporting) == frozenset()
        assert await replay(reporting.sessions, reporting.tables, Handling([{UnitChanged: note}]), now=NOW) == []

    async def test_what_fails_again_stays_with_the_new_reason(self, goals: Service, reporting: Service) -> None:
        await names_told(goals, POISON, POISON)
        await consumer_of(reporting, goals).step(LogFeed(goals))

        async def one_works(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
            if events[0].position == 1:
                raise RuleBroken("still no")
            await note(session, events)

        outcome = await replay(reporting.sessions, reporting.tables, Handling([{UnitChanged: one_works}]), now=NOW)

        assert [each.reason for each in outcome] == ["RuleBroken: still no", None]
        assert await applied_positions(reporting) == [2]
