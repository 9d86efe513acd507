"""SIGKILL between any two steps of the event path: nothing lost, nothing doubled, nothing out of order."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.places import CHECKOUT
from shared.ids import new_id
from shared.messaging.chain import GENESIS
from tests.chaos.points import POINTS, Point
from tests.fixtures.databases import Database
from tests.fixtures.ledger import Ledger, Told, faults

WRITERS, SUBJECTS, DEATHS_PER_POINT = 4, 6, 2
_RAISE_VERSION = "update goals.aggregate set version = version + 1 where id = $1 returning version"
_WRITE = """
insert into goals.outbox (event_id, type, subject, subject_version, "time", data)
values ($1, 'steward.goals.unit.changed.v1', $2, $3, now(), $4)
"""
_DATA = """
{"unit_id": "0193a1b2-0000-7000-8000-000000000003", "code": "RF4", "name": {"en": "A trust"}, "parent_id": null,
 "level": "organisation", "valid_from": "2016-04-01", "valid_to": null}
"""
_JOURNAL = """
create table reporting_read.journal (number bigint generated always as identity, id uuid, subject uuid, version int)
"""

# Who has begun to follow needs no owner that answers: its topic goes on alone.
_BEGUN = """
insert into reporting.progress (consumer, log_id, source, position, hash, recorded_at, types)
values ('reporting', $1, 'goals', 0, $2, now(), '{steward.goals.unit.changed.v1}')
"""


class EventPath:
    """The event path from goals to reporting over Kafka, with a worker that dies and a writer that does not care."""

    def __init__(self, goals: Database, reporting: Database, kafka: str, directory: Path, acknowledged: Ledger) -> None:
        self.goals, self.reporting = goals, reporting
        self.acknowledged = acknowledged
        self._log = (directory / "worker.log").open("ab")
        self.prefix = f"chaos.{new_id().hex}"
        self.deaths: list[Point] = []
        self.subjects = [new_id() for _ in range(SUBJECTS)]
        self._kafka = kafka
        self._environment = {
            **os.environ,  # noqa: TID251 - a child inherits what is no setting of ours
            "GOALS_DATABASE_URL": goals.url,
            "REPORTING_DATABASE_URL": reporting.url,
            "STEWARD_ENV": "local",
            "STEWARD_EVENTS": f"kafka://{kafka}",
            "STEWARD_FEEDS": '{"goals": "http://127.0.0.1:9"}',
            # The group takes a member of this name back at once, instead of waiting for the dead one's time to pass.
            "STEWARD_KAFKA_MEMBER": "chaos",
            "CHAOS_PREFIX": self.prefix,
        }

    def close(self) -> None:
        """Close the log of the workers."""
        self._log.close()

    async def prepare(self) -> None:
        """Tables for the writers and the journal, and the topic."""
        admin = await asyncpg.connect(self.goals.admin_url)
        await admin.execute("create table goals.aggregate (id uuid primary key, version int not null)")
        await admin.execute("grant all on goals.aggregate to goals")
        await admin.executemany("insert into goals.aggregate values ($1, 0)", [(each,) for each in self.subjects])
        log_id = await admin.fetchval("select log_id from goals.log_head")
        await admin.close()
        admin = await asyncpg.connect(self.reporting.admin_url)
        await admin.execute(_JOURNAL)
        await admin.execute(_BEGUN, log_id, GENESIS)
        await admin.execute("grant all on reporting_read.journal to reporting")
        await admin.close()
        topics = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        await topics.start()
        names = [f"{self.prefix}.{service}.events" for service in ("goals", "reporting")]
        await topics.create_topics([NewTopic(name, 1, 1) for name in names])
        await topics.close()

    def start(self, point: Point, passes: int) -> subprocess.Popen[bytes]:
        """A worker that dies at a point."""
        command = [sys.executable, "-m", "tests.chaos.doomed", point, str(passes)]
        return subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, stdout=self._log, stderr=self._log)

    async def write(self, seed: int, enough: asyncio.Event) -> None:
        """Commit changes of random aggregates and note each one once the database has acknowledged it."""
        chance = random.Random(seed)  # noqa: S311 - which aggregate is next, not a secret
        connection = await asyncpg.connect(self.goals.url)
        while not enough.is_set():
            id_, subject = str(new_id()), str(chance.choice(self.subjects))
            async with connection.transaction():
                version = await connection.fetchval(_RAISE_VERSION, subject)
                await connection.execute(_WRITE, id_, subject, version, _DATA)
            self.acknowledged.note(Told(id_, subject, version))
            await asyncio.sleep(chance.random() / 50)
        await connection.close()

    async def die_and_start_again(self) -> None:
        """Let the worker die at every point, in turn and at different passes."""
        chance = random.Random(0)  # noqa: S311 - as above
        for point in POINTS * DEATHS_PER_POINT:
            worker = self.start(point, chance.randint(1, 4))
            assert await asyncio.to_thread(worker.wait, 60) == -signal.SIGKILL
            self.deaths.append(point)

    async def applied(self) -> list[Told]:
        """What reporting has applied, in the order in which it did."""
        connection = await asyncpg.connect(self.reporting.url)
        rows = await connection.fetch("select id, subject, version from reporting_read.journal order by number")
        await connection.close()
        return [Told(str(row["id"]), str(row["subject"]), row["version"]) for row in rows]

    async def catch_up(self) -> None:
        """Run a worker that lives until everything acknowledged is applied, or for half a minute."""
        worker = self.start("never", 1)
        wanted = len(self.acknowledged.read())
        for _ in range(300):
            if len(await self.applied()) >= wanted:
                break
            await asyncio.sleep(0.1)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 20) == 0


@pytest.fixture
async def path(database: Callable[[str], Awaitable[Database]], kafka: str, tmp_path: Path) -> AsyncIterator[EventPath]:
    """The event path, ready to be cut."""
    with Ledger(tmp_path / "acknowledged.jsonl") as acknowledged:
        path = EventPath(await database("goals"), await database("reporting"), kafka, tmp_path, acknowledged)
        await path.prepare()
        yield path
        path.close()


@pytest.mark.kafka
@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_however_often_the_worker_is_killed(path: EventPath) -> None:
    enough = asyncio.Event()
    writers = [asyncio.create_task(path.write(seed, enough)) for seed in range(WRITERS)]

    await path.die_and_start_again()
    enough.set()
    await asyncio.gather(*writers)
    await path.catch_up()

    acknowledged, applied = path.acknowledged.read(), await path.applied()
    assert len(acknowledged) > 100
    assert sorted(path.deaths) == sorted(POINTS * DEATHS_PER_POINT)
    assert list(faults(acknowledged, applied)) == []
