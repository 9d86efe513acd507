"""Kafka as transport: aiokafka with every wait bounded, because several of its calls never return on a dead broker."""

import asyncio
import ssl
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import UnsafeSettings

SCHEME = "kafka://"
PARTITION = 0
"""A topic has one partition, since a log has one order."""
START_WITHIN = 15.0
ANSWER_WITHIN = 5.0
STOP_WITHIN = 5.0
LARGEST_BATCH = 900_000
"""Below the broker's default of one MiB for a batch; the largest event has a third of that."""
T = TypeVar("T")
log = structlog.get_logger()


class KafkaSettings(BaseSettings):
    """How to reach Kafka: STEWARD_KAFKA_SECURITY_PROTOCOL, STEWARD_KAFKA_USERNAME and so on."""

    model_config = SettingsConfigDict(env_prefix="STEWARD_KAFKA_", extra="ignore")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    member: str | None = None
    """A name that stays with this process over restarts (a pod's, say): it is then taken back at once."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What every client of the broker is made with."""

    servers: str
    options: dict[str, Any]
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One message to send."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def connection_for(events: str, *, env: str, settings: KafkaSettings | None = None) -> Connection:
    """The connection that STEWARD_EVENTS=kafka://… and STEWARD_KAFKA_* describe; plain text is for local runs only."""
    settings = settings or KafkaSettings()
    protocol = settings.security_protocol
    if env != "local" and "SSL" not in protocol.split("_"):
        raise UnsafeSettings(f"Kafka is to be reached by {protocol}, without TLS, but STEWARD_ENV is {env!r}.")
    options: dict[str, Any] = {"security_protocol": protocol}
    if "SSL" in protocol.split("_"):
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.certificate_file is not None:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
        options["ssl_context"] = context
    if protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.username
        options["sasl_plain_password"] = settings.password.get_secret_value() if settings.password else None
    return Connection(events.removeprefix(SCHEME), options, settings.member)


async def bounded(waited_for: Awaitable[T], seconds: float = ANSWER_WITHIN) -> T:
    """The result, or TimeoutError."""
    async with asyncio.timeout(seconds):
        return await waited_for


async def let_go(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client whatever it does: with a dead broker stop() hangs, or raises CancelledError half way through.

    asyncio.wait takes both without passing them on; only a cancellation of ours still gets through.
    """
    if await _ends(client.stop(), STOP_WITHIN):
        return
    log.info("kafka_client_cut_off", client=type(client).__name__)
    # By hand what stop() has not come to; else a producer left behind would send its old batch one day.
    for part in ("_sender", "_coordinator", "_fetcher", "client", "_client"):
        if (inner := getattr(client, part, None)) is not None:
            await _ends(inner.close(), 1.0)
            # The coordinator takes itself for closed by now: its heart would beat on ten times a second, for ever.
            for task in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task"):
                if (running := getattr(inner, task, None)) is not None:
                    running.cancel()


async def _ends(closing: Coroutine[Any, Any, None], seconds: float) -> bool:
    task = asyncio.ensure_future(closing)
    await asyncio.wait((task,), timeout=seconds)
    if not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=1.0)
    return task.done() and not task.cancelled() and task.exception() is None


class Sender:
    """An idempotent producer for one topic; after any failure it is abandoned, and another one is made."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection, self._topic = connection, topic
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Record], *, within: float) -> None:
        """Return once the broker has acknowledged every record, in order; raise if not all of them in time."""
        try:
            async with asyncio.timeout(within):
                producer = await self._ready()
                acknowledgements = [
                    await producer.send(
                        self._topic,
                        record.value,
                        key=record.key,
                        headers=list(record.headers),
                        partition=PARTITION,
                    )
                    for record in records
                ]
                await asyncio.gather(*acknowledgements)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let the producer go."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await let_go(producer)

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._connection.servers,
                client_id="steward",
                enable_idempotence=True,
                acks="all",
                max_batch_size=LARGEST_BATCH,
                request_timeout_ms=5000,
                **self._connection.options,
            )
            try:
                await producer.start()
            except BaseException:
                await let_go(producer)
                raise
            self._producer = producer
        return self._producer


@dataclass(frozen=True, slots=True)
class TopicEnd:
    """Where a topic begins and ends, and its last messages, oldest first."""

    begin: int
    end: int
    last: tuple[bytes, ...]


async def end_of(connection: Connection, topic: str, *, last: int) -> TopicEnd:
    """Read a topic's last messages without joining any group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=connection.servers,
        client_id="steward",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **connection.options,
    )
    partition = TopicPartition(topic, PARTITION)
    try:
        await bounded(consumer.start(), START_WITHIN)
        consumer.assign([partition])
        begin = (await bounded(consumer.beginning_offsets([partition])))[partition]
        end = (await bounded(consumer.end_offsets([partition])))[partition]
        found: list[bytes] = []
        if begin < end:
            position = max(begin, end - last)
            consumer.seek(partition, position)
            async with asyncio.timeout(START_WITHIN):
                while position < end:
                    for record in (await consumer.getmany(timeout_ms=1000)).get(partition, []):
                        position = record.offset + 1
                        found.append(record.value or b"")
        return TopicEnd(begin, end, tuple(found))
    finally:
        await let_go(consumer)
