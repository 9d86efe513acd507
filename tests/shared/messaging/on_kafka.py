"""What the tests on a real Kafka have in common."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cloudevents.core.bindings.kafka import KafkaMessage

from shared.ids import new_id
from shared.messaging.consumer import Consumer, Source
from shared.messaging.kafka import Connection, Record, Sender, end_of
from shared.messaging.kafka_source import KafkaSource
from shared.messaging.publisher import Publisher
from tests.shared.messaging.events import Service
from tests.shared.messaging.following import SOURCE, held_position


@asynccontextmanager
async def administering(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """The broker's administrator."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def topic_on(address: str) -> str:
    """A new topic with one partition."""
    name = f"test.{new_id().hex}.events"
    async with administering(address) as admin:
        await admin.create_topics([NewTopic(name, 1, 1)])
    return name


async def in_group(address: str, group: str) -> int:
    """How many members a group has."""
    async with administering(address) as admin:
        ((described,),) = [response.groups for response in await admin.describe_consumer_groups([group])]
    return len(described[5])  # after error, id, state, protocol's type and protocol


@asynccontextmanager
async def publisher_of(owner: Service, connection: Connection, topic: str) -> AsyncIterator[Publisher]:
    """A publisher of the owner's log."""
    publisher = Publisher(
        sessions=owner.sessions,
        pool=owner.pool,
        tables=owner.tables,
        source=SOURCE,
        sender=Sender(connection, topic),
        end_of_topic=lambda last: end_of(connection, topic, last=last),
    )
    try:
        yield publisher
    finally:
        await publisher.close()


@asynccontextmanager
async def source_of(connection: Connection, topic: str, group: str = "g") -> AsyncIterator[KafkaSource]:
    """A member of a group."""
    source = KafkaSource(connection, topic=topic, group=f"{group}.{topic}")
    try:
        await source.open()
        yield source
    finally:
        await source.close()


async def publish_all(publisher: Publisher) -> None:
    """Step until the log is sent; the first step may only create the cursor."""
    await publisher.step()
    while await publisher.step():
        pass


async def publish_log(owner: Service, connection: Connection, topic: str) -> None:
    """Send what the owner's log holds, with a publisher that ends then."""
    async with publisher_of(owner, connection, topic) as publisher:
        await publish_all(publisher)


async def send(connection: Connection, topic: str, *values: bytes) -> None:
    """Put messages on the topic as they are."""
    sender = Sender(connection, topic)
    await sender.send([Record(b"key", value, ()) for value in values], within=10)
    await sender.close()


async def follow(consumer: Consumer, source: Source, follower: Service, position: int) -> None:
    """Step until a position is reached."""
    async with asyncio.timeout(40):
        while await held_position(follower) < position:
            await consumer.step(source)


async def messages_on(address: str, topic: str, count: int) -> list[KafkaMessage]:
    """Messages as a stranger's consumer is given them, headers and all."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            records = [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()
    return [KafkaMessage(dict(record.headers), record.key, record.value) for record in records]


async def sent_positions(connection: Connection, topic: str) -> list[int]:
    """The positions on the topic, as they lie there."""
    return [int(json.loads(raw)["position"]) for raw in (await end_of(connection, topic, last=10_000)).last]
