"""A topic as a source of events, with a watchdog for the ways in which a Kafka client falls silent."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging.envelope import Envelope, NotAnEvent, read
from shared.messaging.kafka import ANSWER_WITHIN, PARTITION, START_WITHIN, Connection, bounded, let_go
from shared.messaging.progress import Held
from shared.messaging.reading_ahead import LookInto

MOST_RECORDS = 1000
POLL = 0.5
PROBE_AFTER = 3.0
SILENT_AT_MOST = 10.0
log = structlog.get_logger()


class Stalled(Exception):
    """There are records ahead, and none of them has come for ten seconds: the client is to be made anew."""


class _Batch(NamedTuple):
    events: Sequence[Envelope]
    next: int | None
    """The offset after its last record; None where there is none."""


class _FromTheBeginning(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to do: the progress row decides, whoever owns the partition."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        if assigned:
            await self._consumer.seek_to_beginning(*assigned)


class KafkaSource:
    """One member of a service's group for one topic: the owner of its partition, or a standby.

    While a batch is applied, the next one is read and looked into.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        topic: str,
        group: str,
        from_beginning: bool = False,
        look_into: LookInto | None = None,
    ) -> None:
        self._topic, self._partition = topic, TopicPartition(topic, PARTITION)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=connection.servers,
            client_id="steward",
            group_id=group,
            group_instance_id=f"{connection.member}.{topic}" if connection.member else None,
            enable_auto_commit=False,
            # Never latest: a group whose offset has expired would skip. What comes again is dropped by its position.
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            heartbeat_interval_ms=1500,
            rebalance_timeout_ms=30_000,
            max_poll_interval_ms=300_000,
            request_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
            fetch_max_wait_ms=250,
            **connection.options,
        )
        self._from_beginning, self._look_into = from_beginning, look_into
        self._ahead: asyncio.Task[_Batch] | None = None
        self._next: int | None = None
        self._committed: int | None = None
        self._reached: int | None = None
        self._lively_at = self._probed_at = 0.0

    async def open(self) -> None:
        """Join the group."""
        self._lively_at = self._probed_at = asyncio.get_running_loop().time()
        listener = _FromTheBeginning(self._consumer) if self._from_beginning else None
        self._consumer.subscribe([self._topic], listener=listener)
        await bounded(self._consumer.start(), START_WITHIN)

    async def close(self) -> None:
        """Leave the group, and what was read ahead to whoever comes after us."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)
        await let_go(self._consumer)

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The next records, or none after half a second; raises where the broker is silent or the client stalls."""
        ahead, self._ahead = self._ahead, None
        batch = await (ahead or self._read())
        # aiokafka rebalances in the background: what it hands out may be no longer ours. The fence would drop it too.
        if batch.next is None or self._partition not in self._consumer.assignment():
            await self._watch()
            return ()
        self._lively_at = asyncio.get_running_loop().time()
        self._next = batch.next
        self._ahead = asyncio.create_task(self._read_ahead(held), name="reading ahead")
        return batch.events

    async def _read(self) -> _Batch:
        taken = await bounded(
            self._consumer.getmany(timeout_ms=int(POLL * 1000), max_records=MOST_RECORDS), POLL + ANSWER_WITHIN
        )
        records = taken.get(self._partition, [])
        events = [event for record in records if (event := _event_in(record.value, record.offset)) is not None]
        return _Batch(events, records[-1].offset + 1 if records else None)

    async def _read_ahead(self, held: Held | None) -> _Batch:
        batch = await self._read()
        if self._look_into is not None:
            # What comes again is dropped without a look.
            await self._look_into([event for event in batch.events if held is None or event.position > held.position])
        return batch

    async def applied(self) -> None:
        """Commit the offset. It is a hint, so a failure is no more than that."""
        if self._next != self._committed:
            try:
                await bounded(self._consumer.commit({self._partition: self._next}))
                self._committed = self._next
            except (KafkaError, TimeoutError) as error:
                log.info("offset_not_committed", topic=self._topic, error=repr(error))

    async def _watch(self) -> None:
        """Tell silence because there is nothing from silence because of a dead broker or a client that is stuck.

        A standby gets nothing either; it is well while the group's offset moves or stands at the end.
        """
        now = asyncio.get_running_loop().time()
        if now - self._probed_at < PROBE_AFTER:
            return
        self._probed_at = now
        end = (await bounded(self._consumer.end_offsets([self._partition])))[self._partition]
        if self._partition in self._consumer.assignment():
            reached = await bounded(self._consumer.position(self._partition))
        else:
            reached = await bounded(self._consumer.committed(self._partition))
            if reached is None:
                reached = (await bounded(self._consumer.beginning_offsets([self._partition])))[self._partition]
        if reached == end or reached != self._reached:
            self._lively_at = now
        self._reached = reached
        if now - self._lively_at > SILENT_AT_MOST:
            raise Stalled(f"{self._topic} ends at offset {end}, but nothing has come since {reached}.")


def _event_in(value: bytes | None, offset: int) -> Envelope | None:
    """The event of a message. What is none is passed over: had it taken an event's place, the gap would show it."""
    try:
        return read(value or b"")
    except NotAnEvent as error:
        log.error("message_is_no_event", offset=offset, error=str(error))
        return None
