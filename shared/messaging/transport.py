"""What STEWARD_EVENTS says: following feeds, or publishing to Kafka and following topics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import NAMESPACE_URL, uuid5

import asyncpg

from shared.database import SessionFactory
from shared.messaging.consumer import Consumer, Source
from shared.messaging.envelope import source_of
from shared.messaging.feed import Client, FeedSource
from shared.messaging.kafka import SCHEME, Connection, Sender, connection_for, end_of
from shared.messaging.kafka_source import KafkaSource
from shared.messaging.owner_check import OwnersTopic
from shared.messaging.publisher import Publisher
from shared.messaging.reading_ahead import reading_ahead
from shared.messaging.tables import EventTables
from shared.settings import ServiceSettings, UnsafeSettings


def kafka_of(settings: ServiceSettings) -> Connection | None:
    """The connection to Kafka, or None where services follow each other's feeds."""
    if settings.events == "feed":
        return None
    if not settings.events.startswith(SCHEME):
        raise UnsafeSettings(f"STEWARD_EVENTS is «feed» or «kafka://host:port», not {settings.events!r}.")
    return connection_for(settings.events, env=settings.env)


def topic_of(service: str) -> str:
    """The topic that carries a service's log."""
    return f"{service}.events"


def feed_of(client: Client, settings: ServiceSettings, service: str, *, follower: str | None = None) -> FeedSource:
    """A service's feed; also in Kafka mode, for what its topic no longer has. It remembers the `follower` by name."""
    url = settings.feeds.get(service)
    if url is None:
        raise UnsafeSettings(f"STEWARD_FEEDS names no address for {service}, whose events this service follows.")
    return FeedSource(client, url, service=service, follower=follower)


@asynccontextmanager
async def source_for(
    consumer: Consumer, feed: FeedSource, settings: ServiceSettings, *, from_beginning: bool
) -> AsyncIterator[Source]:
    """Where a consumer's events come from."""
    connection = kafka_of(settings)
    if connection is None:
        async with reading_ahead(feed, consumer.look_into) as source:
            yield source
        return
    topic = KafkaSource(
        connection,
        topic=topic_of(consumer.source),
        group=f"steward.{consumer.name}.{consumer.source}",
        from_beginning=from_beginning,
        look_into=consumer.look_into,
    )
    try:
        await topic.open()
        yield OwnersTopic(topic, feed, service=consumer.source)
    finally:
        await topic.close()


def publisher_for(
    connection: Connection,
    tables: EventTables,
    settings: ServiceSettings,
    *,
    sessions: SessionFactory,
    pool: asyncpg.Pool,
) -> Publisher:
    """The publisher of a service's log."""
    topic = topic_of(tables.schema)
    return Publisher(
        sessions=sessions,
        pool=pool,
        tables=tables,
        source=source_of(settings.body, tables.schema),
        sender=Sender(connection, topic),
        end_of_topic=lambda last: end_of(connection, topic, last=last),
        holder=uuid5(NAMESPACE_URL, connection.member) if connection.member else None,
    )
