"""A log that was restored numbers again: every follower notices, and goes on when an operator has said how."""

from collections.abc import Awaitable, Callable
from importlib import import_module

import httpx
import pytest

from services.reporting.schema import ReadTable
from services.reporting.worker import FOLLOWS
from shared.errors import ServiceError
from shared.messaging import owner_check
from shared.messaging.chain import GENESIS
from shared.messaging.owner_check import OwnersTopic, Silent
from shared.messaging.progress import ForeignLog, Held
from shared.messaging.restore import SameLog, new_log, republish
from shared.messaging.verify import verify
from tests.shared.messaging.events import NOW, Service, log_of, sequence, unit_changed, whole_log
from tests.shared.messaging.following import (
    POISON,
    Batches,
    LogFeed,
    applied_positions,
    consumer_of,
    envelopes,
    held_position,
    seen,
)
from tests.shared.messaging.restoring import goes_over, reasons, restored

pytestmark = pytest.mark.usefixtures("read_model")


async def names(follower: Service) -> set[str]:
    """The units of the read model."""
    return {name for name, _ in (await seen(follower)).values()}


async def lost_and_found(goals: Service) -> None:
    """A log of ten that was restored to seven, and went on differently."""
    await restored(goals, 7)
    await sequence(goals, unit_changed(name="after the restore"))


class TestEveryFollowerNotices:
    @pytest.fixture
    async def feedback(self, service: Callable[[str], Awaitable[Service]]) -> Service:
        """The other follower."""
        return await service("feedback")

    @pytest.mark.parametrize("later", [0, 2, 5], ids=["shorter", "still shorter", "longer again"])
    async def test_over_the_feed(self, goals: Service, reporting: Service, feedback: Service, later: int) -> None:
        await log_of(goals, 10)
        followers = [consumer_of(reporting, goals), consumer_of(feedback, goals, handlers=())]
        for follower in followers:
            await follower.step(LogFeed(goals))

        await restored(goals, 7)
        await log_of(goals, later)

        feeds = [LogFeed(goals), LogFeed(goals)]
        assert await reasons(followers, feeds) == ["409", "409"]
        assert await held_position(reporting) == await held_position(feedback) == 10

    async def test_over_a_topic_that_says_nothing(self, goals: Service, reporting: Service, feedback: Service) -> None:
        await log_of(goals, 10)
        followers = [consumer_of(reporting, goals), consumer_of(feedback, goals, handlers=())]
        for follower in followers:
            await follower.step(LogFeed(goals))

        await restored(goals, 7)

        topics = [OwnersTopic(Batches([]), LogFeed(goals), service="goals") for _ in followers]
        assert await reasons(followers, topics) == ["409", "409"]


class TestOwnersTopic:
    async def test_the_owner_is_asked_at_the_start_and_then_now_and_again(
        self, goals: Service, reporting: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await log_of(goals, 2)
        feed, consumer = LogFeed(goals), consumer_of(reporting, goals)
        topic = OwnersTopic(Batches([await envelopes(goals)]), feed, service="goals")
        for _ in range(5):
            await consumer.step(topic)
        assert feed.asked == [2]

        monkeypatch.setattr(owner_check, "ASK_EVERY", 0)
        await consumer.step(topic)
        assert feed.asked == [2, 2]

    async def test_a_topic_that_stays_silent_while_the_log_goes_on_is_left_and_the_feed_gives_what_is_missing(
        self, goals: Service, reporting: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(owner_check, "ASK_EVERY", 0)
        await log_of(goals, 3)
        first, *_ = await envelopes(goals)
        consumer = consumer_of(reporting, goals)
        await consumer.apply([first])
        topic = OwnersTopic(Batches([]), LogFeed(goals), service="goals")
        await consumer.step(topic)

        with pytest.raises(Silent, match="more than 1"):
            await consumer.step(topic)
        await consumer.catch_up()

        assert await held_position(reporting) == 3

    async def test_a_topic_is_not_silent_where_the_member_beside_us_moves_or_nothing_is_left_to_say(
        self, goals: Service, reporting: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(owner_check, "ASK_EVERY", 0)
        await log_of(goals, 3)
        consumer, topic = consumer_of(reporting, goals), OwnersTopic(Batches([]), LogFeed(goals), service="goals")

        for event in await envelopes(goals):
            await consumer.apply([event])
            await consumer.step(topic)
        await consumer.step(topic)

        assert await held_position(reporting) == 3

    async def test_an_owner_that_does_not_answer_holds_nothing_up(self, goals: Service, reporting: Service) -> None:
        class Away(LogFeed):
            async def confirm(self, held: Held) -> bool:
                raise httpx.ConnectError("away")

        await log_of(goals, 3)
        first, *more = await envelopes(goals)
        consumer = consumer_of(reporting, goals)
        await consumer.apply([first])

        await consumer.step(OwnersTopic(Batches([more]), Away(goals), service="goals"))

        assert await held_position(reporting) == 3

    async def test_a_new_follower_does_not_begin_with_a_log_that_was_left(
        self, goals: Service, reporting: Service
    ) -> None:
        await log_of(goals, 10)
        old = await envelopes(goals)
        await lost_and_found(goals)
        await new_log(goals.pool, goals.tables, restored_to=7, now=NOW)
        new = await envelopes(goals)
        topic = OwnersTopic(Batches([[*old, *new]]), LogFeed(goals), service="goals")

        await consumer_of(reporting, goals).step(topic)

        assert await held_position(reporting) == 9
        assert "after the restore" in await names(reporting)
        assert "unit 9" not in await names(reporting)


class TestNewLog:
    async def test_position_and_chain_go_on_under_a_new_id_that_the_first_event_tells(self, goals: Service) -> None:
        await log_of(goals, 3)
        before = await LogFeed(goals).current()

        renewed = await new_log(goals.pool, goals.tables, restored_to=None, now=NOW)
        await log_of(goals, 2)

        log = await whole_log(goals.sessions, goals.tables)
        verified = await verify(goals.sessions, goals.tables)
        assert renewed.head.log_id == verified.head.log_id != before
        assert [event.log_id == before for event in log] == [True, True, True, False, False, False]
        assert log[3].type == "steward.goals.log.renewed.v1"
        assert (verified.findings, len(verified.renewals)) == ([], 1)

    async def test_all_of_it_is_served_under_the_new_id(self, goals: Service) -> None:
        await log_of(goals, 3)
        renewed = await new_log(goals.pool, goals.tables, restored_to=None, now=NOW)

        served = await LogFeed(goals).after(log_id=renewed.head.log_id, position=0, hash_=GENESIS)

        assert {event.log_id for event in served} == {renewed.head.log_id}
        assert [event.position for event in served] == [1, 2, 3, 4]

    async def test_a_follower_stops_and_says_what_to_do(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 3)
        consumer = consumer_of(reporting, goals)
        await consumer.step(LogFeed(goals))
        await new_log(goals.pool, goals.tables, restored_to=None, now=NOW)

        with pytest.raises(ForeignLog, match="steward events rebase --service reporting --source goals"):
            await consumer.apply((await envelopes(goals))[3:])


class TestRebase:
    async def test_the_read_model_becomes_that_of_the_new_log_alone(self, goals: Service, reporting: Service) -> None:
        subject = unit_changed().unit_id
        await sequence(goals, unit_changed(subject, name="as backed up"), subject=subject)
        await log_of(goals, 6)
        await sequence(goals, unit_changed(subject, name="lost"), subject=subject, first_version=2)
        await log_of(goals, 2)
        consumer = consumer_of(reporting, goals)
        await consumer.step(LogFeed(goals))
        await restored(goals, 7)
        await sequence(goals, unit_changed(subject, name="found"), subject=subject, first_version=2)
        await new_log(goals.pool, goals.tables, restored_to=7, now=NOW)

        rebased = await goes_over(reporting, goals)
        await consumer.step(LogFeed(goals))

        assert (rebased.left_at, rebased.copies) == (10, 9)
        assert (await seen(reporting))[subject] == ("found", 2)
        assert len(await seen(reporting)) == 7
        assert await held_position(reporting) == 9

    async def test_what_the_topic_still_holds_of_the_old_log_is_passed_over(
        self, goals: Service, reporting: Service
    ) -> None:
        await log_of(goals, 10)
        old = await envelopes(goals)
        consumer = consumer_of(reporting, goals)
        await consumer.apply(old)
        await lost_and_found(goals)
        await new_log(goals.pool, goals.tables, restored_to=7, now=NOW)
        await goes_over(reporting, goals)

        await consumer.apply([*old, *(await envelopes(goals)), *old])

        assert await names(reporting) == {*(f"unit {number}" for number in range(7)), "after the restore"}
        assert [position for position in await applied_positions(reporting) if position > 7] == [8, 8, 9, 10]

    async def test_dead_letters_of_the_old_log_wait_no_longer(self, goals: Service, reporting: Service) -> None:
        await sequence(goals, unit_changed(name=POISON))
        consumer = consumer_of(reporting, goals)
        await consumer.step(LogFeed(goals))
        await new_log(goals.pool, goals.tables, restored_to=None, now=NOW)
        await goes_over(reporting, goals)

        assert await reporting.pool.fetchval("select count(*) from dead_letter where resolved_at is null") == 0
        await consumer.step(LogFeed(goals))
        assert await reporting.pool.fetchval("select count(*) from dead_letter where resolved_at is null") == 1

    async def test_without_a_new_log_it_says_to_make_one_first(self, goals: Service, reporting: Service) -> None:
        await log_of(goals, 2)
        await consumer_of(reporting, goals).step(LogFeed(goals))

        with pytest.raises(SameLog, match="steward events new-log --service goals"):
            await goes_over(reporting, goals)

    async def test_a_follower_that_never_was_has_nothing_to_leave(self, goals: Service, reporting: Service) -> None:
        with pytest.raises(SameLog, match="has not followed"):
            await goes_over(reporting, goals)

    def test_everything_that_reporting_makes_from_events_is_made_anew(self) -> None:
        dropped = {table.__table__ for each in FOLLOWS.values() for table in each.dropped}  # type: ignore[attr-defined]  # SQLModel's own
        made_by_the_database = {"directory_edition"}

        assert {table.name for table in ReadTable.metadata.tables.values() if table not in dropped} <= (
            made_by_the_database
        )

    @pytest.mark.parametrize("name", ["goals", "feedback", "reporting"])
    def test_a_service_follows_whoever_its_handlers_listen_to(self, name: str) -> None:
        worker = import_module(f"services.{name}.worker")
        heard = {contract.owner() for handlers in worker.HANDLERS for contract in handlers}

        assert set(worker.FOLLOWS) == heard


class TestRepublish:
    async def test_the_log_must_reach_that_far(self, goals: Service) -> None:
        await log_of(goals, 3)

        with pytest.raises(ServiceError, match="ends at position 3, before 5"):
            await republish(goals.sessions, goals.pool, goals.tables, first=5)

    async def test_a_log_that_was_never_published_has_nothing_to_send_again(self, goals: Service) -> None:
        await log_of(goals, 3)

        with pytest.raises(ServiceError, match="never sent to Kafka"):
            await republish(goals.sessions, goals.pool, goals.tables, first=1)
