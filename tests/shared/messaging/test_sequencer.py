"""The sequencer: nothing lost, nothing doubled, each subject in the order it happened."""

import asyncio
import random
from collections import defaultdict
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from shared.ids import new_id
from shared.messaging.chain import GENESIS
from shared.messaging.sequencer import BATCH, sequence_once
from tests.shared.messaging.events import NOW, Service, calendar_changed, outbox_size, tell, unit_changed, whole_log

SUBJECTS = 8
WRITERS = 8
TURNS = 25
_RAISE_VERSION = "update aggregate set version = version + 1 where id = $1 returning version"
_WRITE = """
insert into outbox (event_id, type, subject, subject_version, "time", data)
values (uuidv7(), 'steward.goals.unit.changed.v1', $1, $2, now(), '{}')
"""


class TestSequence:
    async def test_events_get_dense_positions_in_the_order_they_were_written(self, goals: Service) -> None:
        ids = await tell(goals.sessions, goals.tables, unit_changed(), calendar_changed(), unit_changed())

        moved = await sequence_once(goals.pool, schema="goals", now=NOW)

        log = await whole_log(goals.sessions, goals.tables)
        assert moved == 3
        assert [(event.position, event.id) for event in log] == list(enumerate(ids, start=1))
        assert await outbox_size(goals.sessions, goals.tables) == 0

    async def test_each_event_names_the_hash_of_the_one_before_across_batches(self, goals: Service) -> None:
        await tell(goals.sessions, goals.tables, *(unit_changed() for _ in range(BATCH + 5)))

        moved = [await sequence_once(goals.pool, schema="goals", now=NOW) for _ in range(3)]

        log = await whole_log(goals.sessions, goals.tables)
        assert moved == [BATCH, 5, 0]
        assert [event.previous for event in log] == [GENESIS, *(event.hash for event in log[:-1])]
        assert len({event.log_id for event in log}) == 1

    async def test_recorded_time_never_runs_backwards(self, goals: Service) -> None:
        await tell(goals.sessions, goals.tables, unit_changed())
        await sequence_once(goals.pool, schema="goals", now=NOW)
        await tell(goals.sessions, goals.tables, unit_changed())

        await sequence_once(goals.pool, schema="goals", now=NOW - timedelta(hours=1))

        assert [event.recorded_at for event in await whole_log(goals.sessions, goals.tables)] == [NOW, NOW]

    async def test_the_data_are_stored_as_the_bytes_that_were_written(self, goals: Service) -> None:
        event = unit_changed(name="Bètå — «Trust»")
        await tell(goals.sessions, goals.tables, event)

        await sequence_once(goals.pool, schema="goals", now=NOW)

        assert (await whole_log(goals.sessions, goals.tables))[0].data == event.model_dump_json()

    async def test_a_slow_transaction_with_a_lower_id_is_not_skipped(self, goals: Service) -> None:
        slow = await asyncpg.connect(goals.database.url, server_settings={"search_path": "goals"})
        writing = slow.transaction()
        await writing.start()
        await slow.execute(_WRITE, new_id(), 1)
        await tell(goals.sessions, goals.tables, unit_changed())
        await sequence_once(goals.pool, schema="goals", now=NOW)

        await writing.commit()
        await slow.close()
        await sequence_once(goals.pool, schema="goals", now=NOW)

        assert [event.position for event in await whole_log(goals.sessions, goals.tables)] == [1, 2]

    async def test_many_writers_and_two_sequencers_lose_nothing_and_keep_each_subject_in_order(
        self, goals: Service
    ) -> None:
        subjects = [new_id() for _ in range(SUBJECTS)]
        admin = await asyncpg.connect(goals.database.admin_url)
        await admin.execute("create table goals.aggregate (id uuid primary key, version int not null)")
        await admin.execute("grant all on goals.aggregate to goals")
        await admin.executemany("insert into goals.aggregate values ($1, 0)", [(each,) for each in subjects])
        await admin.close()
        finished = asyncio.Event()
        committed = 0

        async def write(seed: int) -> None:
            nonlocal committed
            chance = random.Random(seed)  # noqa: S311 - which aggregate is changed next, not a secret
            async with goals.pool.acquire() as connection:
                for _ in range(TURNS):
                    rolled_back = chance.random() < 0.1
                    turn = connection.transaction()
                    await turn.start()
                    chosen = chance.choice(subjects)
                    version = await connection.fetchval(_RAISE_VERSION, chosen)
                    await asyncio.sleep(chance.random() / 200)
                    await connection.execute(_WRITE, chosen, version)
                    await asyncio.sleep(chance.random() / 200)
                    await (turn.rollback() if rolled_back else turn.commit())
                    committed += not rolled_back

        async def keep_sequencing() -> None:
            while not finished.is_set() or await sequence_once(goals.pool, schema="goals", now=NOW):
                await sequence_once(goals.pool, schema="goals", now=NOW)
                await asyncio.sleep(0.002)

        sequencers = [asyncio.create_task(keep_sequencing()) for _ in range(2)]
        await asyncio.gather(*(write(seed) for seed in range(WRITERS)))
        finished.set()
        await asyncio.gather(*sequencers)

        log = await whole_log(goals.sessions, goals.tables)
        versions: dict[UUID, list[int]] = defaultdict(list)
        for event in log:
            versions[event.subject].append(event.subject_version)
        assert [event.position for event in log] == list(range(1, committed + 1))
        assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())
        assert [event.previous for event in log] == [GENESIS, *(event.hash for event in log[:-1])]


class TestTables:
    @pytest.mark.parametrize(
        "statement",
        [
            "update goals.event_log set type = 'x'",
            "delete from goals.event_log",
            "truncate goals.event_log",
        ],
    )
    @pytest.mark.parametrize("administrator", [False, True])
    async def test_the_log_refuses_every_change(self, goals: Service, statement: str, administrator: bool) -> None:
        url = goals.database.admin_url if administrator else goals.database.url
        connection = await asyncpg.connect(url)

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
        await connection.close()

    async def test_an_event_over_256_kib_is_refused_by_the_table_too(self, goals: Service) -> None:
        with pytest.raises(asyncpg.CheckViolationError, match="outbox_data_fits"):
            await goals.pool.execute(
                "insert into outbox (event_id, type, subject, subject_version, time, data) "
                "values (uuidv7(), 'x', uuidv7(), 1, now(), $1)",
                "x" * (256 * 1024 + 1),
            )

    async def test_each_log_has_an_id_of_its_own(self, goals: Service, reporting: Service) -> None:
        ids = {await each.pool.fetchval("select log_id from log_head") for each in (goals, reporting)}

        assert len(ids) == 2
