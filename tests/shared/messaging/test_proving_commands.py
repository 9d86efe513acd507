"""`steward events verify|anchor|erase|new-log|rebase|republish`, as somebody types them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.cli import options
from deploy.cli.events import places, restoring
from deploy.cli.main import app
from shared.database import engine_for, sessions_of
from shared.messaging.anchors import new_key
from tests.shared.messaging.events import Service, log_of, whole_log
from tests.shared.messaging.following import LogFeed, consumer_of


@pytest.fixture
async def three(goals: Service) -> Service:
    """A log of three units."""
    await log_of(goals, 3)
    return goals


@pytest.fixture
def environment(tmp_path: Path, three: Service) -> dict[str, str]:
    """What the commands are told: the database, and where anchors go."""
    new_key(tmp_path / "key.pem")
    return {
        "GOALS_DATABASE_URL": three.database.url,
        "STEWARD_ANCHOR_KEY_FILE": str(tmp_path / "key.pem"),
        "STEWARD_ANCHOR_TO": str(tmp_path / "goals.jws"),
        "COLUMNS": "200",
    }


async def steward(environment: dict[str, str], *arguments: str) -> Result:
    """The command."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["events", *arguments], env=environment)


async def cut(service: Service) -> None:
    """Take the last event away, with everything in this database that tells of it."""
    admin = await asyncpg.connect(service.database.admin_url, server_settings={"search_path": "goals"})
    await admin.execute("alter table event_log disable trigger user")
    await admin.execute("delete from event_log where position = 3; delete from anchor; delete from follower")
    await admin.execute(
        "update log_head set (position, hash) = (select position, hash from event_log where position = 2)"
    )
    await admin.close()


class TestAnchorAndVerify:
    async def test_an_anchor_in_a_file_tells_of_a_removed_last_event(
        self, three: Service, environment: dict[str, str]
    ) -> None:
        said = await steward(environment, "anchor", "--service", "goals")
        await cut(three)

        verified = await steward(environment, "verify", "--service", "goals")

        assert said.stdout.startswith("goals: position 3, hash ")
        assert verified.exit_code == 1
        assert "position 3: removed at the end: the log ends at 2, but anchor of " in verified.stdout

    async def test_a_followers_database_that_is_named_is_asked(
        self, three: Service, reporting: Service, environment: dict[str, str]
    ) -> None:
        await consumer_of(reporting, three, handlers=()).step(LogFeed(three))
        await cut(three)

        verified = await steward(
            environment | {"REPORTING_DATABASE_URL": reporting.database.url}, "verify", "--service", "goals"
        )

        assert verified.exit_code == 1
        assert "but progress of reporting holds 3" in verified.stdout

    async def test_a_file_that_holds_no_anchors_is_refused(self, environment: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("not an anchor\n")

        said = await steward(environment, "verify", "--service", "goals", "--anchors", str(tmp_path / "notes.txt"))

        assert said.exit_code == 1
        assert "notes.txt: line 1 is not signed with this key" in said.stderr

    async def test_a_database_that_is_not_there_is_said_in_one_line(self) -> None:
        said = await steward({"GOALS_DATABASE_URL": "postgresql://goals:x@127.0.0.1:1/goals"}, "verify")

        assert said.exit_code == 1
        assert said.stderr.startswith("steward: ")
        assert len(said.stderr.splitlines()) == 1

    async def test_without_a_key_it_says_what_to_set(self, three: Service) -> None:
        said = await steward({"GOALS_DATABASE_URL": three.database.url}, "anchor", "--service", "goals")

        assert said.exit_code == 1
        assert "STEWARD_ANCHOR_TO and STEWARD_ANCHOR_KEY_FILE" in said.stderr


class TestErase:
    @pytest.fixture(autouse=True)
    async def _as_administrator(self, three: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        """A test's database does not have its service's name, so the command is pointed at it."""
        monkeypatch.setattr("deploy.postgres.bootstrap.url_of", lambda server, database: three.database.admin_url)

    async def test_what_was_erased_is_told_and_verify_lists_it(
        self, three: Service, environment: dict[str, str]
    ) -> None:
        environment |= {"DATABASE_URL": three.database.admin_url}
        arguments = ["erase", "--service", "goals", "--position", "2", "--case", "2026-17", "--yes"]

        said = await steward(environment, *arguments)
        again = await steward(environment, *arguments)
        verified = await steward(environment, "verify", "--service", "goals")

        assert said.exit_code == 0
        assert "1 events of goals are erased" in said.stdout
        assert again.exit_code == 1
        assert "erased before: 2" in again.stderr
        assert "erased, as the log itself tells: position 2" in verified.stdout
        assert verified.exit_code == 0

    async def test_it_asks_first(self, three: Service, environment: dict[str, str]) -> None:
        environment |= {"DATABASE_URL": three.database.admin_url}

        said = await steward(environment, "erase", "--service", "goals", "--position", "2", "--case", "2026-17")

        assert said.exit_code == 1
        assert [event.data is None for event in await whole_log(three.sessions, three.tables)] == [False] * 3

    async def test_nothing_chosen_is_said(self, environment: dict[str, str]) -> None:
        said = await steward(environment, "erase", "--service", "goals", "--case", "2026-17")

        assert said.exit_code == 2
        assert "--position or --subject" in said.stderr


class TestAfterARestore:
    async def test_new_log_says_what_comes_next_and_rebase_does_it(
        self, three: Service, reporting: Service, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def says(_: object, __: object, ___: object, ask: Callable[[Any], Awaitable[Any]]) -> Any:
            engine = engine_for(three.database.url, schema="goals")
            try:
                return await ask(LogFeed(Service(three.database, three.tables, sessions_of(engine), three.pool)))
            finally:
                await engine.dispose()

        monkeypatch.setattr(restoring, "owner_says", says)
        monkeypatch.setattr(restoring, "FeedSource", LogFeed)
        await consumer_of(reporting, three, handlers=()).step(LogFeed(three))
        environment |= {"REPORTING_DATABASE_URL": reporting.database.url}
        rebase = ["rebase", "--service", "reporting", "--source", "goals"]

        too_early = await steward(environment, *rebase)
        renewed = await steward(environment, "new-log", "--service", "goals")
        rebased = await steward(environment, *rebase)

        assert "steward events new-log --service goals" in too_early.stderr
        assert "from position 4; restored to 3." in renewed.stdout
        assert "steward events rebase --service reporting --source goals" in renewed.stdout
        assert "steward events republish --service goals --from 1" in renewed.stdout
        assert rebased.exit_code == 0
        assert "at position 3 and follows" in rebased.stdout

    async def test_a_service_that_is_not_followed_is_named(self, environment: dict[str, str]) -> None:
        said = await steward(environment, "rebase", "--service", "goals", "--source", "reporting")

        assert said.exit_code == 2
        assert "goals does not follow reporting" in said.stderr

    async def test_republish_sets_the_publisher_back(self, three: Service, environment: dict[str, str]) -> None:
        third = (await whole_log(three.sessions, three.tables))[2]
        await three.pool.execute("insert into cursor (name, position, hash) values ('kafka', 3, $1)", third.hash)

        said = await steward(environment, "republish", "--service", "goals", "--from", "2")

        assert "positions 2 to 3 are sent again" in said.stdout
        assert await three.pool.fetchval("select position from cursor") == 1

    def test_a_demo_is_no_witness_of_a_real_deployment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GOALS_DATABASE_URL", "postgresql://real")
        monkeypatch.setenv("FEEDBACK_DATABASE_URL", "postgresql://real")
        monkeypatch.delenv("REPORTING_DATABASE_URL", raising=False)

        assert places.followers_known(options.Service.GOALS, None) == [options.Service.FEEDBACK]
