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
from tests.chaos.points import POINTS, Point
from tests.chaos.truth import Acknowledgements, Told, faults
from tests.fixtures.databases import Database

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


class EventPath:
    """The event path from goals to reporting over Kafka, with a worker that dies and a writer that does not care."""

    def __init__(self, goals: Database, reporting: Database, kafka: str, directory: Path) -> None:
        self.goals, self.reporting = goals, reporting
        self.acknowledgements = Acknowledgements(directory / "acknowledged.jsonl")
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
        """Close the files."""
        self.acknowledgements.close()
        self._log.close()

    async def prepare(self) -> None:
        """Tables for the writers and the journal, and the topic."""
        admin = await asyncpg.connect(self.goals.admin_url)
        await admin.execute("create table goals.aggregate (id uuid primary key, version int not null)")
        await admin.execute("grant all on goals.aggregate to goals")
        await admin.executemany("insert into goals.aggregate values ($1, 0)", [(each,) for each in self.subjects])
        await admin.close()
        admin = await asyncpg.connect(self.reporting.admin_url)
        await admin.execute(_JOURNAL)
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
            told = Told(str(new_id()), str(chance.choice(self.subjects)), 0)
            async with connection.transaction():
                version = await connection.fetchval(_RAISE_VERSION, told.subject)
                await connection.execute(_WRITE, told.id, told.subject, version, _DATA)
            self.acknowledgements.note([Told(told.id, told.subject, version)])
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
        wanted = len(self.acknowledgements.read())
        for _ in range(300):
            if len(await self.applied()) >= wanted:
                break
            await asyncio.sleep(0.1)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 20) == 0


@pytest.fixture
async def path(database: Callable[[str], Awaitable[Database]], kafka: str, tmp_path: Path) -> AsyncIterator[EventPath]:
    """The event path, ready to be cut."""
    path = EventPath(await database("goals"), await database("reporting"), kafka, tmp_path)
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

    acknowledged, applied = path.acknowledgements.read(), await path.applied()
    assert len(acknowledged) > 100
    assert sorted(path.deaths) == sorted(POINTS * DEATHS_PER_POINT)
    assert list(faults(acknowledged, applied)) == []


class TestFaults:
    """The checker finds what it is there for."""

    TOLD = tuple(Told(f"{subject}{version}", subject, version) for version in (1, 2, 3) for subject in "ab")

    def test_the_truth_has_no_faults(self) -> None:
        assert list(faults(self.TOLD, self.TOLD)) == []

    def test_a_lost_event_is_found(self) -> None:
        (lost, *_) = faults(self.TOLD, self.TOLD[:2] + self.TOLD[3:])

        assert lost.startswith("lost: ")
        assert "a2" in lost

    def test_the_last_event_of_all_may_not_be_lost_either(self) -> None:
        assert [fault.split(":")[0] for fault in faults(self.TOLD, self.TOLD[:-1])] == ["lost"]

    def test_a_doubled_event_is_found(self) -> None:
        found = list(faults(self.TOLD, (*self.TOLD, self.TOLD[-1])))

        assert any(fault.startswith("applied 2 times") for fault in found)

    def test_two_swapped_events_of_one_subject_are_found(self) -> None:
        swapped = [*self.TOLD]
        swapped[0], swapped[2] = swapped[2], swapped[0]

        assert any(fault.startswith("out of order") for fault in faults(self.TOLD, swapped))

    def test_events_of_two_subjects_may_change_places(self) -> None:
        swapped = [*self.TOLD]
        swapped[0], swapped[1] = swapped[1], swapped[0]

        assert list(faults(self.TOLD, swapped)) == []

    def test_an_event_that_nobody_acknowledged_is_found(self) -> None:
        made_up = Told("c1", "c", 1)

        assert list(faults(self.TOLD, (*self.TOLD, made_up))) == [f"never acknowledged: {made_up}"]
