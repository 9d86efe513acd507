"""The ways in which a Kafka client falls silent, and that silence alone is no alarm."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from shared.messaging import kafka as kafka_module
from shared.messaging import kafka_source
from shared.messaging.consumer import Consumer
from shared.messaging.kafka import Connection, Record, Sender
from shared.messaging.kafka_source import KafkaSource, Stalled
from shared.messaging.sequencer import sequence_once
from tests.shared.messaging.events import NOW, Service, tell, unit_changed
from tests.shared.messaging.following import applied_positions, consumer_of, envelopes, held_position, prepare
from tests.shared.messaging.on_kafka import administering, in_group, topic_on

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every half second, and call three seconds silence."""
    monkeypatch.setattr(kafka_source, "PROBE_AFTER", 0.5)
    monkeypatch.setattr(kafka_source, "SILENT_AT_MOST", 3.0)


async def send(address: str, topic: str, values: list[bytes]) -> None:
    """Put messages on a topic, whoever's they are."""
    sender = Sender(Connection(address, {}), topic)
    await sender.send([Record(b"key", value, ()) for value in values], within=15)
    await sender.close()


async def follow_as_the_worker_does(
    consumer: Consumer, address: str, topic: str, follower: Service, position: int
) -> None:
    """Step until a position is reached, as a member of a group; a client that fails or stalls is made anew."""
    stalled = False
    async with asyncio.timeout(60):
        while await held_position(follower) < position:
            source = KafkaSource(Connection(address, {}), topic=topic, group=f"g.{topic}", from_beginning=stalled)
            stalled = False
            try:
                await source.open()
                while await held_position(follower) < position:
                    await consumer.step(source)
            except Stalled:
                stalled = True
            except (KafkaError, TimeoutError):
                await asyncio.sleep(0.2)
            finally:
                await source.close()


async def keep_taking(source: KafkaSource) -> None:
    """Take what comes, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while True:
            await source.take(None)


async def test_a_topic_that_was_made_anew_under_two_members_is_followed_on(
    kafka: str, goals: Service, reporting: Service
) -> None:
    await prepare(reporting)
    await tell(goals.sessions, goals.tables, *(unit_changed() for _ in range(9)))
    await sequence_once(goals.pool, schema="goals", now=NOW)
    values = [event.text.encode() for event in await envelopes(goals)]
    topic = await topic_on(kafka)
    await send(kafka, topic, values[:6])
    async with asyncio.TaskGroup() as members, administering(kafka) as admin:
        for _ in range(2):
            consumer = consumer_of(reporting, goals)
            members.create_task(follow_as_the_worker_does(consumer, kafka, topic, reporting, 9))
        while await held_position(reporting) < 6 or await in_group(kafka, f"g.{topic}") < 2:  # noqa: ASYNC110 - a broker
            await asyncio.sleep(0.1)

        await admin.delete_topics([topic])
        await asyncio.sleep(1)
        await admin.create_topics([NewTopic(topic, 1, 1)])
        await asyncio.sleep(1)
        await send(kafka, topic, values[6:])

    assert await applied_positions(reporting) == list(range(1, 10))


async def test_a_client_with_records_ahead_and_none_coming_is_called_stalled(kafka: str) -> None:
    topic = await topic_on(kafka)
    source = KafkaSource(Connection(kafka, {}), topic=topic, group="g")
    await source.open()
    async with asyncio.timeout(20):
        while not source._consumer.assignment():
            await source.take(None)
    source._consumer.pause(*source._consumer.assignment())
    await send(kafka, topic, [b"{}"])

    with pytest.raises(Stalled, match="nothing has come since 0"):
        await keep_taking(source)
    await source.close()


async def test_owner_and_standby_of_a_quiet_topic_are_left_in_peace(kafka: str) -> None:
    topic = await topic_on(kafka)
    await send(kafka, topic, [b"not an event"])
    async with AsyncExitStack() as stack:
        sources = [KafkaSource(Connection(kafka, {}), topic=topic, group="g") for _ in range(2)]
        for source in sources:
            stack.push_async_callback(source.close)
            await source.open()

        async def look(source: KafkaSource) -> None:
            for _ in range(16):
                await source.take(None)
                await source.applied()

        await asyncio.gather(*(look(source) for source in sources))

        assert sorted(len(source._consumer.assignment()) for source in sources) == [0, 1]


async def test_of_a_client_that_cannot_be_stopped_no_heart_beats_on(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_module, "STOP_WITHIN", 0.2)
    source = KafkaSource(Connection(kafka, {}), topic=await topic_on(kafka), group="g")
    await source.open()
    async with asyncio.timeout(20):
        while not source._consumer.assignment():
            await source.take(None)
    coordinator = source._consumer._coordinator
    heart = coordinator._heartbeat_task

    async def hangs_as_with_a_dead_broker() -> None:
        source._consumer._closed = True
        coordinator._closing.set_result(None)
        await asyncio.Event().wait()

    monkeypatch.setattr(source._consumer, "stop", hangs_as_with_a_dead_broker)
    await source.close()
    await asyncio.wait((heart,), timeout=2)

    assert heart.done()
