"""A broker that is killed, and one that is away for a while."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from deploy.local.kafka import Kafka, missing_tools
from deploy.local.processes import Child, free_port
from shared.messaging.consumer import Consumer
from shared.messaging.kafka import ANSWER_WITHIN, STOP_WITHIN, Connection
from shared.messaging.kafka_source import POLL, PROBE_AFTER, KafkaSource
from shared.messaging.publisher import SEND_WITHIN, Publisher
from tests.fixtures.lanes import leave_out
from tests.shared.messaging.events import Service, log_of
from tests.shared.messaging.following import applied_positions, consumer_of, prepare
from tests.shared.messaging.on_kafka import follow, publish_all, publisher_of, sent_positions, source_of, topic_on

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[tuple[Connection, Child]]:
    """A broker of this test's own, which it may kill."""
    if missing := missing_tools():
        leave_out(missing)
    kafka = Kafka(tmp_path / "kafka", port=free_port(), controller_port=free_port())
    child = Child(kafka.programme(tmp_path / "kafka.log"))
    await asyncio.to_thread(kafka.prepare)
    try:
        await child.start()
        yield Connection(kafka.address, {}), child
    finally:
        await child.stop()


async def publish_through(publisher: Publisher, owner: Service, position: int) -> None:
    """Step, whatever fails, until the cursor has reached a position."""
    async with asyncio.timeout(60):
        while await owner.pool.fetchval("select position from cursor") < position:
            try:
                await publisher.step()
            except (KafkaError, TimeoutError):
                await asyncio.sleep(0.2)


async def test_nothing_is_lost_or_doubled_when_the_broker_is_killed_on_the_way(
    goals: Service, reporting: Service, broker: tuple[Connection, Child]
) -> None:
    connection, child = broker
    topic = await topic_on(connection.servers)
    await prepare(reporting)
    await log_of(goals, 50)
    consumer = consumer_of(reporting, goals)
    async with publisher_of(goals, connection, topic) as publisher:
        await publish_all(publisher)
        async with source_of(connection, topic) as source:
            await follow(consumer, source, reporting, 50)
        await log_of(goals, 50)

        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await publish_through(publisher, goals, 100)

    async with source_of(connection, topic) as source:
        await follow(consumer, source, reporting, 100)
    assert await applied_positions(reporting) == list(range(1, 101))
    assert sorted(set(await sent_positions(connection, topic))) == list(range(1, 101))


async def test_every_wait_ends_while_the_broker_is_away_and_work_goes_on_when_it_is_back(
    goals: Service, reporting: Service, broker: tuple[Connection, Child]
) -> None:
    connection, child = broker
    clock = asyncio.get_running_loop().time
    topic = await topic_on(connection.servers)
    await prepare(reporting)
    await log_of(goals, 5)
    consumer = consumer_of(reporting, goals)
    async with publisher_of(goals, connection, topic) as publisher, source_of(connection, topic) as source:
        await publish_all(publisher)
        await follow(consumer, source, reporting, 5)
        await child.stop()
        await log_of(goals, 5)

        published, consumed = await asyncio.gather(
            failed_after(publisher.step()), failed_after(keep_stepping(consumer, source))
        )
        began = clock()
        await source.close()
        closed = clock() - began
        await child.start()
        await publish_through(publisher, goals, 10)

    async with source_of(connection, topic) as source:
        await follow(consumer, source, reporting, 10)
    # Each cut-off client takes the time of its parts besides that of stop() itself.
    assert published < SEND_WITHIN + STOP_WITHIN + 6
    assert consumed < PROBE_AFTER + POLL + 2 * ANSWER_WITHIN + 2
    assert closed < STOP_WITHIN + 6
    assert await applied_positions(reporting) == list(range(1, 11))


async def failed_after(work: Awaitable[object]) -> float:
    """How long it takes until some work gives up."""
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises((KafkaError, TimeoutError)):
        await work
    return clock() - began


async def keep_stepping(consumer: Consumer, source: KafkaSource) -> None:
    """Follow until something fails, for half a minute at most."""
    async with asyncio.timeout(30):
        while True:
            await consumer.step(source)
