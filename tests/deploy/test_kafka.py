"""The broker that Steward runs on one machine."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import kafka as local
from deploy.local.kafka import Kafka, make_topics, missing_tools
from deploy.local.processes import Child, free_port
from tests.fixtures.lanes import leave_out


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker() -> AsyncIterator[tuple[Kafka, Child]]:
    """A broker of this module's own, since it is killed."""
    if missing := missing_tools():
        leave_out(missing)
    with tempfile.TemporaryDirectory(prefix="steward-kafka-") as directory:
        broker = Kafka(Path(directory) / "kafka", port=free_port(), controller_port=free_port())
        await asyncio.to_thread(broker.prepare)
        child = Child(broker.programme(Path(directory) / "kafka.log"))
        try:
            await child.start()
            yield broker, child
        finally:
            await child.stop()


@pytest.mark.kafka
async def test_topics_are_made_as_declared_and_may_be_asked_for_again(broker: tuple[Kafka, Child]) -> None:
    address = broker[0].address
    for _ in range(2):
        await make_topics(address)

    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    described = {topic["topic"]: topic for topic in await admin.describe_topics()}
    await admin.close()
    declared = yaml.safe_load(local.TOPICS.read_text())
    assert {topic["name"]: topic["partitions"] for topic in declared} == {
        name: len(topic["partitions"]) for name, topic in described.items() if not name.startswith("__")
    }


@pytest.mark.kafka
async def test_a_killed_broker_is_back_with_what_it_acknowledged(broker: tuple[Kafka, Child]) -> None:
    kafka, child = broker
    await make_topics(kafka.address)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, acks="all")
    await producer.start()
    await producer.send_and_wait("goals.events", b"acknowledged")
    await producer.stop()
    killed = child.pid
    assert killed is not None

    os.kill(killed, signal.SIGKILL)

    async with asyncio.timeout(60):
        while True:
            if child.pid not in (None, killed) and await child.programme.ready():
                break
            await asyncio.sleep(0.1)
    await make_topics(kafka.address)
    consumer = AIOKafkaConsumer("goals.events", bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    await consumer.start()
    record = await asyncio.wait_for(consumer.getone(), 30)
    await consumer.stop()
    assert record.value == b"acknowledged"


def test_a_machine_without_java_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    hint = missing_tools()

    assert hint is not None
    assert "apt install default-jre-headless maven" in hint
    assert "\n" not in hint
