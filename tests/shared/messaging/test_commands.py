"""`steward events …`, as somebody types it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from services.reporting.worker import HANDLERS
from shared.messaging.applying import Handling
from shared.messaging.consumer import Consumer
from shared.messaging.sequencer import sequence_once
from tests.fixtures.databases import Database
from tests.shared.messaging.events import NOW, Service, tell, unit_changed
from tests.shared.messaging.following import LogFeed, broken, envelopes


async def steward(service: Service, *arguments: str) -> Result:
    """The command, told where the service's database is."""
    variable = f"{service.tables.schema.upper()}_DATABASE_URL"
    given = ["events", *arguments, "--service", service.tables.schema]
    return await asyncio.to_thread(
        CliRunner().invoke, app, given, env={variable: service.database.url, "COLUMNS": "200"}
    )


@pytest.fixture
async def three(goals: Service) -> Service:
    """A log of three units."""
    await tell(goals.sessions, goals.tables, *(unit_changed(name=f"unit {number}") for number in range(3)))
    await sequence_once(goals.pool, schema="goals", now=NOW)
    return goals


class TestTail:
    async def test_it_shows_an_event_a_line(self, three: Service) -> None:
        shown = await steward(three, "tail", "--after", "1")

        assert shown.exit_code == 0
        assert [line.split()[:3] for line in shown.stdout.splitlines()] == [
            ["2", "2026-03-02T09:30:00.000000Z", "unit.changed.v1"],
            ["3", "2026-03-02T09:30:00.000000Z", "unit.changed.v1"],
        ]

    async def test_as_json_each_line_is_the_whole_event(self, three: Service) -> None:
        shown = await steward(three, "tail", "--json")

        told = [json.loads(line) for line in shown.stdout.splitlines()]
        assert [event["data"]["name"]["en"] for event in told] == ["unit 0", "unit 1", "unit 2"]


class TestVerify:
    async def test_an_intact_log_ends_well(self, three: Service) -> None:
        said = await steward(three, "verify")

        assert said.exit_code == 0
        assert "3 events read" in said.stdout
        assert said.stdout.rstrip().endswith(": intact")

    async def test_an_edited_event_is_named_and_ends_with_one(self, three: Service) -> None:
        admin = await asyncpg.connect(three.database.admin_url)
        await admin.execute("alter table goals.event_log disable trigger user")
        await admin.execute("update goals.event_log set data = '{}' where position = 2")
        await admin.close()

        said = await steward(three, "verify")

        assert said.exit_code == 1
        assert "position 2: edited" in said.stdout

    async def test_without_a_service_every_log_is_read(
        self, three: Service, database: Callable[[str], Awaitable[Database]]
    ) -> None:
        urls = {"GOALS_DATABASE_URL": three.database.url}
        for name in ("feedback", "reporting"):
            urls[f"{name.upper()}_DATABASE_URL"] = (await database(name)).url

        said = await asyncio.to_thread(CliRunner().invoke, app, ["events", "verify"], env=urls | {"COLUMNS": "200"})

        assert said.exit_code == 0
        assert [line.split(" read")[0] for line in said.stdout.splitlines()] == [
            "goals: 3 events",
            "feedback: 0 events",
            "reporting: 0 events",
        ]

    async def test_without_a_database_one_line_says_what_to_do(self, tmp_path: Path) -> None:
        arguments = ["events", "verify", "--service", "goals", "--data-dir", str(tmp_path)]
        said = await asyncio.to_thread(CliRunner().invoke, app, arguments)

        assert said.exit_code == 1
        assert "set GOALS_DATABASE_URL" in said.stderr


class TestReplay:
    @pytest.fixture
    async def waiting(self, three: Service, reporting: Service) -> Service:
        """Reporting, which could not read the second unit."""
        first, second, third = await envelopes(three)
        consumer = Consumer(
            name="reporting",
            source="goals",
            sessions=reporting.sessions,
            tables=reporting.tables,
            handling=Handling(HANDLERS),
            feed=LogFeed(three),
            now=lambda: NOW,
        )
        await consumer.apply([first, broken(second), third])
        return reporting

    async def test_what_waits_is_listed_on_a_line_of_which_nothing_is_cut(self, waiting: Service) -> None:
        listed = await steward(waiting, "dead-letters")

        letter = await waiting.pool.fetchrow("select type, subject, reason from dead_letter")
        line, count = listed.stdout.splitlines()
        assert letter is not None
        assert line.split()[0] == "2"
        assert "valid_from" in letter["reason"]
        assert all(" ".join(str(part).split()) in line for part in letter.values())
        assert "1 waiting" in count

    async def test_what_still_fails_stays_and_ends_with_one(self, waiting: Service) -> None:
        replayed = await steward(waiting, "replay")

        assert replayed.exit_code == 1
        assert "0 applied, 1 still waiting" in replayed.stdout

    async def test_once_mended_it_is_applied_by_the_services_own_handlers(self, waiting: Service) -> None:
        await waiting.pool.execute("update dead_letter set envelope = replace(envelope, '\"never\"', '\"2016-04-01\"')")

        replayed = await steward(waiting, "replay")
        listed = await steward(waiting, "dead-letters")

        assert replayed.exit_code == 0
        assert "1 applied, 0 still waiting" in replayed.stdout
        assert "applied everything" in listed.stdout
        assert await waiting.pool.fetchval("select count(*) from reporting_read.unit") == 3
