"""From sending a measurement until the scorecard shows it, idle and beside a load of survey responses."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.demo.answers import SURVEY
from deploy.local.stack import Stack
from deploy.postgres.bootstrap import url_of
from shared.ids import random_id
from tests.benchmarks.clients import at_rate, repeat
from tests.benchmarks.figures import Figure, Side, latencies, middle
from tests.benchmarks.raw_http import Connection

ROUNDS, RUNS = 60, 3
CONNECTIONS = 32
_UNFINISHED = "select exists (select from goals.dirty) or exists (select from goals.outbox)"


async def measure_freshness(stack: Stack) -> list[Figure]:
    """Idle, and while feedback takes half of the responses that it can."""
    port = stack.ports.api("feedback")
    full = await repeat(port, answer, connections=CONNECTIONS, seconds=3)
    async with _probe(stack) as probe:
        idle = middle([await _run(stack, probe, "idle") for _ in range(RUNS)])
        async with _loaded(port, full.rate / 2):
            loaded = middle([await _run(stack, probe, f"beside {full.rate / 2:.0f} responses/s") for _ in range(RUNS)])
    return [idle, loaded]


async def answer(connection: Connection) -> int:
    """Posting one response to the demo's survey."""
    response = {"id": str(random_id()), "version": 1, "language": "en", "answers": {"overall": "good", "hours": "2.5"}}
    status, _, body = await connection.request("POST", f"/v1/surveys/{SURVEY}/responses", response)
    assert status == 201, body
    return 1


class Probe:
    """How long one message takes through the broker: sent with acks=all, and read."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._producer, self._consumer, self._topic = producer, consumer, topic

    async def __call__(self) -> float:
        """Seconds for one message."""
        began = time.perf_counter()
        await self._producer.send(self._topic, b"x" * 500, partition=0)
        await self._consumer.getone()
        return time.perf_counter() - began


@asynccontextmanager
async def _probe(stack: Stack) -> AsyncIterator[Probe | None]:
    if stack.kafka is None:
        yield None
        return
    topic = "bench.probe"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_end()
        probe = Probe(producer, consumer, topic)
        for _ in range(10):
            await probe()
        yield probe
    finally:
        await consumer.stop()
        await producer.stop()


@asynccontextmanager
async def _loaded(port: int, rate: float) -> AsyncIterator[None]:
    """Responses at a rate, from a process of their own."""
    arguments = ["-m", "tests.benchmarks.freshness", str(port), str(rate)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=Path(__file__).parents[2])
    try:
        await asyncio.sleep(2)
        yield
        assert process.returncode is None
    finally:
        process.terminate()
        await process.wait()


async def _run(stack: Stack, probe: Probe | None, when: str) -> Figure:
    dice = random.Random(11)  # noqa: S311 - pauses, not secrets
    ours: list[float] = []
    probed: list[float] = []
    token = {"Authorization": f"Bearer {stack.tokens['data_provider']}"}
    goals_database: Any = await asyncpg.connect(url_of(stack.database_url, "goals"))
    async with (
        Connection("127.0.0.1", stack.ports.api("goals"), token) as goals,
        Connection("127.0.0.1", stack.ports.api("reporting")) as reporting,
    ):
        for number in range(ROUNDS):
            # What the last one has set off is over, and nothing beats in step with what is measured.
            while await goals_database.fetchval(_UNFINISHED):  # noqa: ASYNC110 - other processes make it false
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.1 + 0.2 * dice.random())
            began = time.perf_counter()
            status, headers, body = await goals.request("POST", "/v1/measurements", measurement("RF4", number))
            assert status == 201, body
            after = {"Steward-After": headers["steward-written"]}
            status, _, body = await reporting.request("GET", "/v1/scorecards/RF4?wait=10", headers=after)
            ours.append(time.perf_counter() - began)
            assert status == 200, body
            if probe is not None:
                probed.append(await probe())
    await goals_database.close()
    name = f"measurement sent → shown, {when} ({stack.events})"
    if probe is None:
        side = Side(ROUNDS, sum(ours), tuple(ours))
        p95 = side.percentile(0.95) or 0
        return Figure(name, p95, "ms", p50=side.percentile(0.5), p95=p95, p99=side.percentile(0.99))
    return latencies(
        name,
        Side(ROUNDS, sum(ours), tuple(ours)),
        Side(ROUNDS, sum(probed), tuple(probed)),
        share=0.95,
        goal=10,
        note="p95, against that of a message through the broker at the same time",
    )


def measurement(unit: str, number: int) -> dict[str, Any]:
    """One month's figure, corrected again and again."""
    month = number % 12
    period = {"frequency": "month", "start": f"{2017 + (month + 3) // 12}-{(month + 3) % 12 + 1:02}-01"}
    return {"indicator": "ae-admissions", "unit": unit, "period": period, "value": str(1000 + number)}


if __name__ == "__main__":
    asyncio.run(at_rate(int(sys.argv[1]), answer, rate=float(sys.argv[2]), connections=CONNECTIONS))
