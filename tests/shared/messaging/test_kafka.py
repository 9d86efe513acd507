"""Publishing to and consuming from a real Kafka."""

import asyncio
import json

import pytest
from cloudevents.core.bindings.kafka import from_kafka_event

from shared.messaging import kafka_source
from shared.messaging.kafka import Connection
from shared.messaging.publisher import ForeignTopic
from shared.messaging.sequencer import sequence_once
from tests.shared.messaging.events import NOW, Service, log_of, whole_log
from tests.shared.messaging.following import (
    SOURCE,
    LogFeed,
    applied_positions,
    consumer_of,
    envelopes,
    held_position,
)
from tests.shared.messaging.on_kafka import (
    follow,
    messages_on,
    publish_all,
    publish_log,
    publisher_of,
    send,
    sent_positions,
    source_of,
    topic_on,
)

pytestmark = pytest.mark.kafka


@pytest.fixture
def connection(kafka: str) -> Connection:
    """How to reach the broker."""
    return Connection(kafka, {})


@pytest.fixture
async def topic(kafka: str) -> str:
    """A topic of this test's own."""
    return await topic_on(kafka)


class TestPublisher:
    async def test_the_log_is_on_the_topic_in_order_and_the_cursor_at_its_end(
        self, goals: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 1200)

        await publish_log(goals, connection, topic)

        assert await sent_positions(connection, topic) == list(range(1, 1201))
        assert await goals.pool.fetchval("select position from cursor") == 1200
        assert await goals.pool.fetchval("select holder from cursor") is None

    async def test_a_stranger_reads_the_topic_with_the_cloudevents_sdk(
        self, goals: Service, kafka: str, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 1)
        await publish_log(goals, connection, topic)
        logged = (await whole_log(goals.sessions, goals.tables))[0]

        (message,) = await messages_on(kafka, topic, 1)
        event = from_kafka_event(message)

        assert message.headers["content-type"] == b"application/cloudevents+json; charset=UTF-8"

        assert event.get_id() == str(logged.id)
        assert event.get_source() == SOURCE
        assert event.get_subject() == str(logged.subject)
        assert event.get_extension("position") == "1"
        assert event.get_data() == json.loads(logged.data or "")

    async def test_an_event_as_large_as_the_table_takes_goes_through(
        self, goals: Service, connection: Connection, topic: str
    ) -> None:
        await goals.pool.execute(
            "insert into outbox (event_id, type, subject, subject_version, time, data) "
            "select uuidv7(), 'x', uuidv7(), 1, now(), $1 from generate_series(1, 6)",
            json.dumps("x" * (256 * 1024 - 2)),
        )
        await sequence_once(goals.pool, schema="goals", now=NOW)

        await publish_log(goals, connection, topic)

        assert await sent_positions(connection, topic) == [1, 2, 3, 4, 5, 6]

    async def test_only_one_of_two_publishers_sends(self, goals: Service, connection: Connection, topic: str) -> None:
        await log_of(goals, 3)
        async with publisher_of(goals, connection, topic) as first, publisher_of(goals, connection, topic) as second:
            await publish_all(first)
            await log_of(goals, 2)
            assert await second.step() is False

            await first.close()
            await publish_all(second)

        assert await sent_positions(connection, topic) == [1, 2, 3, 4, 5]

    async def test_a_batch_whose_lease_is_gone_does_not_move_the_cursor(
        self, goals: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 2)
        async with publisher_of(goals, connection, topic) as first:
            await publish_all(first)
            await log_of(goals, 2)
            await goals.pool.execute("update cursor set holder = uuidv7()")

            assert await first.step() is False

        assert await goals.pool.fetchval("select position from cursor") == 2

    async def test_what_was_acknowledged_before_a_crash_is_sent_again_and_nothing_skipped(
        self, goals: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 4)
        await publish_log(goals, connection, topic)
        second = (await whole_log(goals.sessions, goals.tables))[1]
        await goals.pool.execute("update cursor set position = 2, hash = $1", second.hash)
        await log_of(goals, 1)

        await publish_log(goals, connection, topic)

        assert await sent_positions(connection, topic) == [1, 2, 3, 4, 3, 4, 5]

    async def test_a_topic_that_was_made_anew_stops_the_publisher(
        self, goals: Service, kafka: str, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 2)
        await publish_log(goals, connection, topic)
        another = await topic_on(kafka)

        async with publisher_of(goals, connection, another) as publisher:
            with pytest.raises(ForeignTopic, match="made anew"):
                await publisher.step()

    async def test_a_topic_with_the_events_of_another_log_stops_the_publisher(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 2)
        await log_of(reporting, 2)
        await publish_log(reporting, connection, topic)

        async with publisher_of(goals, connection, topic) as publisher:
            with pytest.raises(ForeignTopic, match="not ours"):
                await publish_all(publisher)
        assert await sent_positions(connection, topic) == [1, 2]


@pytest.mark.usefixtures("read_model")
class TestConsume:
    async def test_what_is_published_is_applied_once(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 30)
        await publish_log(goals, connection, topic)
        async with source_of(connection, topic) as source:
            await follow(consumer_of(reporting, goals), source, reporting, 30)

        assert await applied_positions(reporting) == list(range(1, 31))

    async def test_an_offset_that_was_not_committed_changes_nothing(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 5)
        async with publisher_of(goals, connection, topic) as publisher:
            await publish_all(publisher)
            async with source_of(connection, topic, "first") as source:
                await follow(consumer_of(reporting, goals), source, reporting, 5)
            await log_of(goals, 2)
            await publish_all(publisher)

        async with source_of(connection, topic, "group without offsets") as source:
            await follow(consumer_of(reporting, goals), source, reporting, 7)

        assert await applied_positions(reporting) == [1, 2, 3, 4, 5, 6, 7]

    async def test_an_offset_is_committed_only_when_its_batch_is_applied(
        self, goals: Service, connection: Connection, topic: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kafka_source, "MOST_RECORDS", 2)
        await log_of(goals, 6)
        await publish_log(goals, connection, topic)
        async with asyncio.timeout(40), source_of(connection, topic) as first:
            while not (taken := await first.take(None)):
                pass
            assert first._ahead is not None
            await asyncio.wait((first._ahead,))
            await first.applied()
            taken = [*taken, *await first.take(None)]

        async with asyncio.timeout(40), source_of(connection, topic) as second:
            while not (again := await second.take(None)):
                pass

        assert [event.position for event in taken] == [1, 2, 3, 4]
        assert [event.position for event in again] == [3, 4]

    async def test_what_the_topic_has_lost_comes_from_the_feed(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 6)
        lost = await envelopes(goals)
        await send(connection, topic, *(event.text.encode() for event in lost[4:]))
        feed = LogFeed(goals)

        async with source_of(connection, topic) as source:
            await follow(consumer_of(reporting, goals, feed=feed), source, reporting, 6)

        assert feed.asked == [0]
        assert await applied_positions(reporting) == [1, 2, 3, 4, 5, 6]

    async def test_the_same_row_goes_on_when_the_source_is_switched(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        consumer = consumer_of(reporting, goals)
        await log_of(goals, 3)
        await consumer.step(LogFeed(goals))
        await log_of(goals, 3)
        await publish_log(goals, connection, topic)
        async with source_of(connection, topic) as source:
            await follow(consumer, source, reporting, 6)
        await log_of(goals, 1)

        await consumer.step(LogFeed(goals))

        assert await applied_positions(reporting) == list(range(1, 8))

    async def test_a_message_that_is_no_event_is_passed_over(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        await log_of(goals, 2)
        known = await envelopes(goals)
        await send(connection, topic, known[0].text.encode(), b"not an event", b"", known[1].text.encode())

        async with source_of(connection, topic) as source:
            await follow(consumer_of(reporting, goals), source, reporting, 2)

        assert await applied_positions(reporting) == [1, 2]

    async def test_a_second_member_stands_by_and_takes_over(
        self, goals: Service, reporting: Service, connection: Connection, topic: str
    ) -> None:
        consumer = consumer_of(reporting, goals)
        await log_of(goals, 3)
        async with publisher_of(goals, connection, topic) as publisher, source_of(connection, topic) as standby:
            await publish_all(publisher)
            async with source_of(connection, topic) as first:
                sources = (first, standby)
                async with asyncio.timeout(40):
                    while await held_position(reporting) < 3:
                        await asyncio.gather(*(consumer_of(reporting, goals).step(source) for source in sources))
            await log_of(goals, 3)
            await publish_all(publisher)

            await follow(consumer, standby, reporting, 6)

        assert await applied_positions(reporting) == [1, 2, 3, 4, 5, 6]
