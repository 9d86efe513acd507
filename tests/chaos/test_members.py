"""Two members of a consumer group, of which one is killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.local.places import CHECKOUT
from shared.messaging.kafka import Connection
from shared.messaging.kafka_source import KafkaSource
from tests.shared.messaging.events import Service, log_of
from tests.shared.messaging.following import applied_positions, consumer_of, held_position, prepare
from tests.shared.messaging.on_kafka import follow, in_group, publish_all, publisher_of, topic_on

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
GROUP = "followers"


@asynccontextmanager
async def member(
    goals: Service, reporting: Service, kafka: str, topic: str, *, dies_at: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is a member of the group until it has applied so much."""
    urls = (goals.database.url, reporting.database.url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.member", *urls, kafka, topic, GROUP, str(dies_at)), cwd=CHECKOUT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_held(follower: Service, position: int) -> None:
    async with asyncio.timeout(30):
        while await held_position(follower) < position:  # noqa: ASYNC110 - another process, or a task, gets there
            await asyncio.sleep(0.1)


async def test_one_is_killed_before_its_group_hears_what_it_applied_and_the_other_takes_over(
    goals: Service, reporting: Service, kafka: str
) -> None:
    topic, connection = await topic_on(kafka), Connection(kafka, {})
    await prepare(reporting)
    await log_of(goals, 10)
    async with publisher_of(goals, connection, topic) as publisher:
        await publish_all(publisher)
        async with member(goals, reporting, kafka, topic, dies_at=20) as owner:
            await until_held(reporting, 10)
            standby = KafkaSource(connection, topic=topic, group=GROUP)
            await standby.open()
            consumer = consumer_of(reporting, goals)
            async with asyncio.timeout(30):
                while await in_group(kafka, GROUP) < 2:
                    await consumer.step(standby)

            await log_of(goals, 10)
            await publish_all(publisher)
            taking_over = asyncio.create_task(follow(consumer, standby, reporting, 30))
            assert await asyncio.wait_for(owner.wait(), 30) == -signal.SIGKILL
            applied_by_the_owner = await held_position(reporting)
            await log_of(goals, 10)
            await publish_all(publisher)
            await taking_over
            await standby.close()

    assert applied_by_the_owner == 20
    # A position that was applied twice would be a key that is there twice.
    assert await applied_positions(reporting) == list(range(1, 31))
