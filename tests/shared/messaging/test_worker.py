"""The worker: its parts run side by side, come back when they fail, and end when asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from services.goals.settings import GoalsSettings
from shared.messaging import worker as worker_module
from shared.messaging.anchors import anchors_in, key_in, new_key
from shared.messaging.kafka import KafkaSettings, connection_for
from shared.messaging.pulse import Pulse
from shared.messaging.worker import Loop, WorkerContext, work
from shared.settings import UnsafeSettings
from tests.shared.messaging.events import Service, log_of, outbox_size, tell, unit_changed, whole_log
from tests.shared.messaging.following import LogFeed, consumer_of, envelopes, held_position

Working = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
def working(goals: Service) -> Working:
    """`async with working(loops=[…])`: a worker of goals that follows nobody."""

    @asynccontextmanager
    async def run(*, loops: list[Loop] | None = None, follows: tuple[str, ...] = ()) -> AsyncIterator[None]:
        stop = asyncio.Event()
        settings = GoalsSettings.model_validate({"GOALS_DATABASE_URL": goals.database.url, "env": "local"})
        worker = asyncio.create_task(
            work(
                service="goals",
                settings=settings,
                tables=goals.tables,
                handlers=[],
                follows=follows,
                loops=loops or [],
                stop=stop,
            )
        )
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(worker, 20)

    return run


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something for ten seconds at most."""
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.01)
    pytest.fail("It did not happen within ten seconds.")


async def until_numbered(service: Service) -> None:
    """Wait for the outbox to be empty."""
    for _ in range(500):
        if not await outbox_size(service.sessions, service.tables):
            return
        await asyncio.sleep(0.02)
    pytest.fail("The outbox was not emptied within ten seconds.")


class TestWork:
    async def test_what_is_written_gets_its_position(self, goals: Service, working: Working) -> None:
        async with working():
            await tell(goals.sessions, goals.tables, unit_changed(), unit_changed())
            await until_numbered(goals)

        assert [event.position for event in await whole_log(goals.sessions, goals.tables)] == [1, 2]

    async def test_it_anchors_the_log_where_it_is_told_where_to(
        self, working: Working, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new_key(tmp_path / "key.pem")
        anchors = tmp_path / "anchors" / "goals.jws"
        monkeypatch.setenv("STEWARD_ANCHOR_KEY_FILE", str(tmp_path / "key.pem"))
        monkeypatch.setenv("STEWARD_ANCHOR_TO", str(anchors))

        async with working():
            await until(anchors.exists)

        assert len(list(anchors_in(anchors.read_text(), key_in(tmp_path / "key.pem")))) == 1

    async def test_two_workers_number_together_without_a_gap(self, goals: Service, working: Working) -> None:
        async with working(), working():
            for _ in range(5):
                await tell(goals.sessions, goals.tables, *(unit_changed() for _ in range(20)))
            await until_numbered(goals)

        assert [event.position for event in await whole_log(goals.sessions, goals.tables)] == list(range(1, 101))

    async def test_a_loop_goes_on_at_once_while_there_is_work_and_then_rests(self, working: Working) -> None:
        left = [3]
        turns: list[bool] = []

        async def step(_: WorkerContext) -> bool:
            left[0] -= 1
            turns.append(left[0] > 0)
            return turns[-1]

        async with working(loops=[Loop("work", timedelta(minutes=1), step)]):
            await until(lambda: len(turns) == 3)
            await asyncio.sleep(0.1)

        assert turns == [True, True, False]

    async def test_a_loop_that_fails_is_started_again_and_disturbs_nobody(
        self, goals: Service, working: Working
    ) -> None:
        turns: list[int] = []

        async def step(_: WorkerContext) -> bool:
            turns.append(1)
            if len(turns) < 3:
                raise ConnectionError("away for a moment")
            return False

        async with working(loops=[Loop("flaky", timedelta(minutes=1), step)]):
            await tell(goals.sessions, goals.tables, unit_changed())
            await until(lambda: len(turns) == 3)

        assert len(await whole_log(goals.sessions, goals.tables)) == 1

    async def test_a_step_in_hand_is_finished_before_it_ends(self, working: Working) -> None:
        done: list[str] = []

        async def step(_: WorkerContext) -> bool:
            done.append("begun")
            await asyncio.sleep(0.3)
            done.append("finished")
            return False

        async with working(loops=[Loop("slow", timedelta(minutes=1), step)]):
            await until(lambda: bool(done))

        assert done == ["begun", "finished"]

    async def test_a_service_without_an_address_to_follow_is_refused_at_the_start(self, working: Working) -> None:
        with pytest.raises(UnsafeSettings, match="no address for feedback"):
            async with working(follows=("feedback",)):
                await asyncio.sleep(0.1)


class TestConnection:
    def test_plain_text_is_refused_unless_the_run_is_local(self) -> None:
        with pytest.raises(UnsafeSettings, match="without TLS"):
            connection_for("kafka://broker:9092", env="production", settings=KafkaSettings())

        assert connection_for("kafka://broker:9092", env="local", settings=KafkaSettings()).servers == "broker:9092"

    def test_passwords_travel_over_tls(self) -> None:
        settings = KafkaSettings.model_validate(
            {"security_protocol": "SASL_SSL", "username": "goals", "password": "secret"}
        )

        connection = connection_for("kafka://broker:9093", env="production", settings=settings)

        assert connection.options["ssl_context"].check_hostname
        assert connection.options["sasl_plain_username"] == "goals"
        with pytest.raises(UnsafeSettings):
            connection_for(
                "kafka://broker:9093",
                env="production",
                settings=settings.model_copy(update={"security_protocol": "SASL_PLAINTEXT"}),
            )


class TestFollow:
    async def test_a_log_whose_topic_cannot_be_read_is_followed_over_its_feed(
        self, goals: Service, reporting: Service, read_model: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @asynccontextmanager
        async def broken(*_: object, **__: object) -> AsyncIterator[None]:
            raise TimeoutError
            yield

        async def ready() -> None:
            """It is."""

        monkeypatch.setattr(worker_module, "source_for", broken)
        settings = GoalsSettings.model_validate({"GOALS_DATABASE_URL": goals.database.url, "env": "local"})
        await log_of(goals, 5)
        feed = LogFeed(goals)
        consumer = consumer_of(reporting, goals, feed=feed)
        await consumer.apply((await envelopes(goals))[:1])

        held = []
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await worker_module._follow(consumer, feed, settings, Pulse(ready), asyncio.Event())  # type: ignore[arg-type]  # a feed of a test
            held.append(await held_position(reporting))

        assert held == [1, 5]
