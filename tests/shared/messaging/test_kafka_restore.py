"""A restored service, a topic made anew, one emptied by retention: on a real Kafka."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from shared.messaging.kafka import Connection
from shared.messaging.owner_check import OwnersTopic
from shared.messaging.publisher import ForeignTopic
from shared.messaging.restore import new_log, republish
from tests.shared.messaging.events import NOW, Service, log_of, sequence, unit_changed
from tests.shared.messaging.following import LogFeed, applied_positions, consumer_of, held_position, seen
from tests.shared.messaging.on_kafka import (
    administering,
    follow,
    publish_log,
    publisher_of,
    sent_positions,
    source_of,
    topic_on,
)
from tests.shared.messaging.restoring import goes_over, reasons, restored

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("read_model")]


@pytest.fixture
def connection(kafka: str) -> Connection:
    """How to reach the broker."""
    return Connection(kafka, {})


@pytest.fixture
async def topic(kafka: str) -> str:
    """A topic of this test's own."""
    return await topic_on(kafka)


@pytest.fixture
async def feedback(service: Callable[[str], Awaitable[Service]]) -> Service:
    """The other follower."""
    return await service("feedback")


async def test_a_service_restored_to_ten_minutes_ago_is_noticed_by_all_and_followed_again_once_it_is_said_how(
    goals: Service, reporting: Service, feedback: Service, connection: Connection, topic: str
) -> None:
    followers = [consumer_of(reporting, goals), consumer_of(feedback, goals, handlers=())]
    await log_of(goals, 10)
    await publish_log(goals, connection, topic)
    async with AsyncExitStack() as stack:
        kafkas = [await stack.enter_async_context(source_of(connection, topic, group)) for group in ("r", "f")]
        for consumer, source, follower in zip(followers, kafkas, (reporting, feedback), strict=True):
            await follow(consumer, source, follower, 10)

        await restored(goals, 7)
        await sequence(goals, unit_changed(name="after the restore"))

        async with publisher_of(goals, connection, topic) as publisher:
            with pytest.raises(ForeignTopic, match="not ours"):
                await publisher.step()
        watched = [OwnersTopic(source, LogFeed(goals), service="goals") for source in kafkas]
        assert await reasons(followers, watched) == ["409", "409"]

        await new_log(goals.pool, goals.tables, restored_to=7, now=NOW)
        await republish(goals.sessions, goals.pool, goals.tables, first=1)
        for follower in (reporting, feedback):
            await goes_over(follower, goals)
        await publish_log(goals, connection, topic)
        for consumer, watching, follower in zip(followers, watched, (reporting, feedback), strict=True):
            await follow(consumer, watching, follower, 9)

    expected = {*(f"unit {number}" for number in range(7)), "after the restore"}
    assert {name for name, _ in (await seen(reporting)).values()} == expected
    assert await sent_positions(connection, topic) == [*range(1, 11), *range(1, 10)]


async def test_a_publisher_goes_on_after_what_an_operator_has_accepted(
    goals: Service, connection: Connection, topic: str
) -> None:
    await log_of(goals, 10)
    await publish_log(goals, connection, topic)
    await restored(goals, 7)
    await new_log(goals.pool, goals.tables, restored_to=7, now=NOW)
    await republish(goals.sessions, goals.pool, goals.tables, first=8)
    await publish_log(goals, connection, topic)
    await log_of(goals, 1)

    await publish_log(goals, connection, topic)

    assert await sent_positions(connection, topic) == [*range(1, 11), 8, 9]


async def test_a_topic_that_was_made_anew_is_noticed_and_filled_again(
    goals: Service, reporting: Service, kafka: str, connection: Connection, topic: str
) -> None:
    await log_of(goals, 5)
    await publish_log(goals, connection, topic)
    async with administering(kafka) as admin:
        await admin.delete_topics([topic])
        await admin.create_topics([NewTopic(topic, 1, 1)])
    await log_of(goals, 2)
    async with publisher_of(goals, connection, topic) as publisher:
        with pytest.raises(ForeignTopic, match="steward events republish --from 1"):
            await publisher.step()

    await republish(goals.sessions, goals.pool, goals.tables, first=1)
    await publish_log(goals, connection, topic)

    assert await sent_positions(connection, topic) == [1, 2, 3, 4, 5, 6, 7]
    async with source_of(connection, topic) as source:
        await follow(consumer_of(reporting, goals), source, reporting, 7)
    assert await applied_positions(reporting) == [1, 2, 3, 4, 5, 6, 7]


async def test_a_topic_that_retention_has_emptied_is_no_alarm_and_filled_from_the_feed(
    goals: Service, reporting: Service, kafka: str, connection: Connection, topic: str
) -> None:
    await log_of(goals, 6)
    await publish_log(goals, connection, topic)
    async with administering(kafka) as admin:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=6)})
    await log_of(goals, 1)
    feed = LogFeed(goals)

    await publish_log(goals, connection, topic)
    async with source_of(connection, topic) as source:
        await follow(consumer_of(reporting, goals, feed=feed), source, reporting, 7)

    assert feed.asked == [0]
    assert await held_position(reporting) == 7
    assert await applied_positions(reporting) == list(range(1, 8))
