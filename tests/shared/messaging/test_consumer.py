"""The consumer: exactly once in effect, whatever is delivered."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts import CalendarChanged, UnitChanged
from shared.ids import new_id
from shared.messaging import consumer as consumer_module
from shared.messaging.envelope import Envelope
from shared.messaging.handlers import Handlers, Received
from shared.messaging.progress import ForeignLog
from tests.shared.messaging.events import NOW, Service, calendar_changed, log_of, sequence, unit_changed
from tests.shared.messaging.following import (
    JOURNAL,
    UNITS,
    Batches,
    LogFeed,
    applied_positions,
    consumer_of,
    envelopes,
    held_position,
    note,
    seen,
)

pytestmark = pytest.mark.usefixtures("read_model")


class TestApply:
    async def test_a_batch_is_applied_and_the_position_remembered(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 3)
        feed = LogFeed(goals)

        assert await consumer_of(reporting, goals).step(feed) is True
        assert await consumer_of(reporting, goals).step(feed) is False

        assert await applied_positions(reporting) == [1, 2, 3]
        assert await held_position(reporting) == 3
        assert {name for name, _ in (await seen(reporting)).values()} == {"unit 0", "unit 1", "unit 2"}

    async def test_what_is_delivered_again_is_dropped_by_its_position(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 4)
        everything = await envelopes(goals)
        source = Batches([everything[:3], everything[:2], everything[1:], everything])
        consumer = consumer_of(reporting, goals)

        while source.batches:
            await consumer.step(source)

        assert await applied_positions(reporting) == [1, 2, 3, 4]
        assert source.committed == 4

    async def test_a_gap_is_fetched_from_the_owners_feed_before_the_batch_goes_on(
        self, goals: Service, reporting: Service
    ) -> None:
        await log_of(goals, 9)
        everything = await envelopes(goals)
        feed = LogFeed(goals, piece=2)
        consumer = consumer_of(reporting, goals, feed=feed)

        await consumer.apply([*everything[:2], *everything[7:]])

        assert await applied_positions(reporting) == list(range(1, 10))
        assert feed.asked == [2, 4, 6]

    async def test_after_a_full_batch_it_goes_on_and_a_row_that_was_moved_meanwhile_decides(
        self, goals: Service, reporting: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumer_module, "MOST_EVENTS", 2)
        await log_of(goals, 7)
        feed, beside, consumer = LogFeed(goals, piece=2), consumer_of(reporting, goals), consumer_of(reporting, goals)
        await consumer.step(feed)
        await beside.apply((await envelopes(goals))[:5])

        while await consumer.step(feed):
            pass

        assert feed.asked == [0, 2, 5, 7]
        assert await applied_positions(reporting) == list(range(1, 8))

    async def test_neighbours_of_one_type_come_together_and_to_every_capability(
        self, goals: Service, reporting: Service
    ) -> None:
        await sequence(goals, unit_changed(), unit_changed(), calendar_changed(), unit_changed())
        calls: list[tuple[str, list[int]]] = []

        def listening(name: str) -> Any:
            async def handler(_: AsyncSession, events: Sequence[Received[Any]]) -> None:
                calls.append((name, [event.position for event in events]))

            return handler

        facts: Handlers = {UnitChanged: listening("facts"), CalendarChanged: listening("facts calendars")}
        charts: Handlers = {UnitChanged: listening("charts")}
        await consumer_of(reporting, goals, handlers=[facts, charts]).step(LogFeed(goals))

        assert calls == [
            ("facts", [1, 2]),
            ("charts", [1, 2]),
            ("facts calendars", [3]),
            ("facts", [4]),
            ("charts", [4]),
        ]

    async def test_a_type_nobody_handles_is_passed_over(self, goals: Service, reporting: Service) -> None:
        await sequence(goals, calendar_changed(), unit_changed(), calendar_changed())

        await consumer_of(reporting, goals).step(LogFeed(goals))

        assert await applied_positions(reporting) == [2]
        assert await held_position(reporting) == 3

    async def test_a_failure_of_the_moment_is_tried_again_until_it_succeeds(
        self, goals: Service, reporting: Service
    ) -> None:
        await log_of(goals, 2)
        failures = [OperationalError("the server is away", None, Exception()), ConnectionError()]

        async def at_first_in_vain(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
            if failures:
                raise failures.pop()
            await note(session, events)

        await consumer_of(reporting, goals, handlers=[UNITS, {UnitChanged: at_first_in_vain}]).step(LogFeed(goals))

        assert await applied_positions(reporting) == [1, 2]
        assert await reporting.pool.fetchval("select count(*) from dead_letter") == 0

    async def test_two_members_with_the_same_batch_apply_it_once(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 40)
        everything = await envelopes(goals)

        await asyncio.gather(*(consumer_of(reporting, goals).apply(everything) for _ in range(4)))

        assert await applied_positions(reporting) == list(range(1, 41))

    async def test_a_try_is_a_sign_of_life_apart_from_the_pause_before_it(
        self, goals: Service, reporting: Service
    ) -> None:
        signs: list[str] = []

        class Away(LogFeed):
            async def after(
                self, *, log_id: UUID | None, position: int, hash_: bytes, wait: float = 0
            ) -> list[Envelope]:
                signs.append("asked")
                if signs.count("asked") == 1:
                    raise OSError("the feed does not answer")
                return await super().after(log_id=log_id, position=position, hash_=hash_, wait=wait)

        await log_of(goals, 3)
        consumer = consumer_of(reporting, goals, feed=Away(goals), alive=lambda: signs.append("lives"))

        await consumer.step(Batches([(await envelopes(goals))[2:]]))

        # Before the pause and after it: it and the next try together last longer than a worker may be silent.
        assert signs[: signs.index("asked", 2) + 1] == ["lives", "asked", "lives", "lives", "asked"]


class TestCatchUp:
    async def test_it_applies_all_that_the_feed_has(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 5)
        consumer = consumer_of(reporting, goals, feed=LogFeed(goals, piece=2))
        await consumer.apply((await envelopes(goals))[:1])

        await consumer.catch_up()
        await consumer.catch_up()

        assert await held_position(reporting) == 5

    async def test_an_owner_that_does_not_answer_keeps_nobody_from_the_topic(
        self, goals: Service, reporting: Service
    ) -> None:
        class Away(LogFeed):
            async def after(self, **_: object) -> list[Envelope]:
                raise OSError("the feed does not answer")

        await log_of(goals, 2)
        consumer = consumer_of(reporting, goals, feed=Away(goals))
        await consumer.apply((await envelopes(goals))[:1])

        await consumer.catch_up()

        assert await held_position(reporting) == 1


class TestForeignLog:
    async def test_another_history_after_our_position_stops_the_consumer(
        self, goals: Service, reporting: Service
    ) -> None:
        await log_of(goals, 3)
        everything = await envelopes(goals)
        consumer = consumer_of(reporting, goals)
        await consumer.apply(everything[:2])

        with pytest.raises(ForeignLog, match="another history"):
            await consumer.apply([everything[2]._replace(previous=bytes(32))])
        assert await held_position(reporting) == 2

    async def test_a_new_log_of_a_known_service_stops_the_consumer(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 2)
        everything = await envelopes(goals)
        consumer = consumer_of(reporting, goals)
        await consumer.apply(everything[:1])

        with pytest.raises(ForeignLog, match="has followed"):
            await consumer.apply([everything[1]._replace(log_id=new_id())])

    async def test_a_position_given_again_later_stops_the_consumer(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 2)
        everything = await envelopes(goals)
        consumer = consumer_of(reporting, goals)
        await consumer.apply(everything)

        with pytest.raises(ForeignLog, match="numbers again"):
            await consumer.apply([everything[1]._replace(recorded_at=NOW + timedelta(seconds=1))])

    async def test_an_owner_that_does_not_hold_our_position_stops_the_consumer(
        self, goals: Service, reporting: Service
    ) -> None:
        await log_of(goals, 2)
        consumer = consumer_of(reporting, goals)
        await consumer.step(LogFeed(goals))
        await reporting.pool.execute("update progress set position = 7")

        with pytest.raises(ForeignLog):
            await consumer.step(LogFeed(goals))


class TestPrepare:
    async def test_a_release_that_handles_another_type_applies_its_past_first(
        self, goals: Service, reporting: Service
    ) -> None:
        await sequence(goals, unit_changed(), calendar_changed(), unit_changed(), calendar_changed())
        await consumer_of(reporting, goals).step(LogFeed(goals))

        newer = consumer_of(
            reporting, goals, handlers=[UNITS, JOURNAL, {CalendarChanged: note}], feed=LogFeed(goals, piece=1)
        )
        await newer.prepare()

        assert await applied_positions(reporting) == [1, 2, 3, 4]
        assert await reporting.pool.fetchval("select types from progress") == sorted(
            [UnitChanged.type, CalendarChanged.type]
        )

    async def test_a_running_release_notices_types_that_another_has_recorded(
        self, goals: Service, reporting: Service
    ) -> None:
        await sequence(goals, calendar_changed(), unit_changed())
        newer = consumer_of(reporting, goals, handlers=[UNITS, JOURNAL, {CalendarChanged: note}])
        everything = await envelopes(goals)
        await consumer_of(reporting, goals).apply(everything[:1])

        await newer.apply(everything[1:])

        assert await applied_positions(reporting) == [1, 2]
