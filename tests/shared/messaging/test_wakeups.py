"""Wake-ups make waits shorter and nothing else: what is lost with them is found by looking."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from services.goals.settings import GoalsSettings
from shared.database import transaction
from shared.ids import new_id
from shared.messaging.outbox import publish
from shared.messaging.wakeups import WRITTEN, Wakeups
from shared.messaging.worker import Loop, WorkerContext, work
from tests.shared.messaging.events import NOW, Service, tell, unit_changed

Listening = Callable[..., AbstractAsyncContextManager[Wakeups]]


@pytest.fixture
def listening(goals: Service) -> Listening:
    """`async with listening()`: the wake-ups of one process on the database of goals, connected."""

    @asynccontextmanager
    async def connected() -> AsyncIterator[Wakeups]:
        wakeups = Wakeups(goals.database.url, application="test", hears=[WRITTEN])
        before = await connections(goals)
        async with wakeups.connected():
            await until_there_are(len(before) + 1, goals)
            yield wakeups

    return connected


async def connections(service: Service) -> list[int]:
    """The server's processes that serve wake-ups and listen already."""
    rows = await service.pool.fetch(
        "select pid from pg_stat_activity where datname = current_database() and application_name = 'test-wakeups'"
        " and state = 'idle' and query ~* 'listen' order by pid"
    )
    return [row["pid"] for row in rows]


async def until_there_are(number: int, service: Service, *, beside: Sequence[int] = ()) -> None:
    """Wait until so many listen, for ten seconds at most."""
    for _ in range(500):
        if len(set(await connections(service)) - set(beside)) == number:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{number} connections never listened.")


async def wakes_within(seconds: float, wake: asyncio.Event) -> bool:
    """Whether it is set in time."""
    try:
        await asyncio.wait_for(wake.wait(), seconds)
    except TimeoutError:
        return False
    return True


class TestWakeups:
    async def test_what_one_process_says_wakes_another_and_itself(self, listening: Listening) -> None:
        async with listening() as speaker, listening() as hearer:
            with speaker.on(WRITTEN) as here, hearer.on(WRITTEN) as there, hearer.on("else") as elsewhere:
                speaker.say(WRITTEN)

                assert here.is_set()
                assert await wakes_within(2, there)
                assert not elsewhere.is_set()

    async def test_a_published_event_is_said_after_the_commit_and_not_before(
        self, goals: Service, listening: Listening
    ) -> None:
        async with listening() as wakeups:
            wakeups.watch(goals.sessions)
            with wakeups.on(WRITTEN) as wake:
                async with transaction(goals.sessions) as session:
                    async with session.begin_nested():
                        publish(
                            session, goals.tables.outbox, unit_changed(), subject=new_id(), subject_version=1, now=NOW
                        )
                    said_inside = wake.is_set()
                said_after = wake.is_set()

        assert (said_inside, said_after) == (False, True)

    async def test_a_transaction_without_an_event_says_nothing(self, goals: Service, listening: Listening) -> None:
        async with listening() as wakeups:
            wakeups.watch(goals.sessions)
            with wakeups.on(WRITTEN) as wake:
                async with transaction(goals.sessions) as session:
                    await session.connection()

        assert not wake.is_set()

    async def test_however_much_is_said_at_once_it_is_sent_together(self, goals: Service, listening: Listening) -> None:
        heard: list[str] = []
        ear = await asyncpg.connect(goals.database.url)
        await ear.add_listener(WRITTEN, lambda *told: heard.append(told[2]))
        async with listening() as wakeups:
            for _ in range(200):
                wakeups.say(WRITTEN)
            async with asyncio.timeout(10):
                while not heard:  # noqa: ASYNC110 - the ear is a callback of the driver
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
        await ear.close()

        assert 1 <= len(heard) <= 2

    async def test_what_may_be_said_rarely_is_dropped_in_between(self, listening: Listening) -> None:
        async with listening() as wakeups:
            with wakeups.on(WRITTEN) as wake:
                wakeups.say(WRITTEN, at_most_every=60)
                wake.clear()
                wakeups.say(WRITTEN, at_most_every=60)

                assert not wake.is_set()

    async def test_a_connection_that_is_lost_is_made_again(self, goals: Service, listening: Listening) -> None:
        async with listening() as speaker, listening() as hearer:
            lost = await connections(goals)
            for pid in lost:
                await goals.pool.execute("select pg_terminate_backend($1)", pid)
            await until_there_are(2, goals, beside=lost)

            with hearer.on(WRITTEN) as wake:
                speaker.say(WRITTEN)

                assert await wakes_within(2, wake)

    async def test_a_database_that_is_away_holds_nobody_up(self) -> None:
        wakeups = Wakeups("postgresql://nobody@127.0.0.1:1/none", application="test", hears=[WRITTEN])

        async with wakeups.connected():
            with wakeups.on(WRITTEN) as wake:
                wakeups.say(WRITTEN)

                assert wake.is_set()


class TestTheWorker:
    async def test_a_loop_wakes_on_what_another_process_has_written(self, goals: Service, listening: Listening) -> None:
        turns: list[float] = []

        async def look(_: WorkerContext) -> bool:
            turns.append(asyncio.get_running_loop().time())
            return False

        stop = asyncio.Event()
        settings = GoalsSettings.model_validate({"GOALS_DATABASE_URL": goals.database.url, "env": "local"})
        loops = [Loop("look", timedelta(minutes=1), look, woken_by=WRITTEN)]
        worker = asyncio.create_task(
            work(
                service="goals", settings=settings, tables=goals.tables, handlers=[], follows=[], loops=loops, stop=stop
            )
        )
        async with listening() as api:
            api.watch(goals.sessions)
            async with asyncio.timeout(10):
                while len(turns) < 3:
                    await tell(goals.sessions, goals.tables, unit_changed())
                    await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(worker, 20)

        assert len(turns) >= 3
