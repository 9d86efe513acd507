"""A member of a consumer group that kills itself when it has applied so much, before its group hears of that.

`python -m tests.chaos.member GOALS_URL REPORTING_URL KAFKA TOPIC GROUP POSITION`: a process of its own, since one that
is told to stop says good-bye to its group, and one that is killed does not.
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack

from shared.database import engine_for, pool_for, sessions_of
from shared.messaging.kafka import Connection
from shared.messaging.kafka_source import KafkaSource
from tests.fixtures.databases import Database
from tests.shared.messaging.events import TABLES, Service
from tests.shared.messaging.following import consumer_of, held_position


class Doomed(KafkaSource):
    """A member whose process dies between what it has applied and the offset that says so."""

    follower: Service
    dies_at: int

    async def applied(self) -> None:
        """Say how far it is, unless it has come to its end."""
        if await held_position(self.follower) >= self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        await super().applied()


async def main(goals_url: str, reporting_url: str, servers: str, topic: str, group: str, *, dies_at: int) -> None:
    """Follow until that position."""
    async with AsyncExitStack() as stack:

        async def service(name: str, url: str) -> Service:
            engine = engine_for(url, schema=name)
            stack.push_async_callback(engine.dispose)
            pool = await stack.enter_async_context(pool_for(url, schema=name))
            return Service(Database(name, "", url, ""), TABLES[name], sessions_of(engine), pool)

        goals, reporting = await service("goals", goals_url), await service("reporting", reporting_url)
        source = Doomed(Connection(servers, {}), topic=topic, group=group)
        source.follower, source.dies_at = reporting, dies_at
        await source.open()
        stack.push_async_callback(source.close)
        consumer = consumer_of(reporting, goals)
        while True:
            await consumer.step(source)


if __name__ == "__main__":
    urls_and_names, position = sys.argv[1:6], sys.argv[6]
    asyncio.run(main(*urls_and_names, dies_at=int(position)))
