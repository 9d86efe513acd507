"""`steward goals recalculate`."""

import asyncio

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from tests.goals.service import Goals


async def recalculate(goals: Goals, monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    # In a thread of its own, because the command runs a loop of its own.
    monkeypatch.setenv("GOALS_DATABASE_URL", goals.database.url)
    result = await asyncio.to_thread(CliRunner().invoke, app, ["goals", "recalculate", *options])
    return result.exit_code, result.output


class TestRecalculate:
    async def test_without_a_name_everything_is_marked(self, goals: Goals, monkeypatch: pytest.MonkeyPatch) -> None:
        assert (await recalculate(goals, monkeypatch))[0] == 0

        assert await goals.dirty() == [(None, None, None)]

    async def test_one_indicator_is_named_by_its_code(self, goals: Goals, monkeypatch: pytest.MonkeyPatch) -> None:
        assert (await recalculate(goals, monkeypatch, "--indicator", "waits"))[0] == 0

        assert await goals.dirty() == [("waits", None, None)]

    async def test_one_that_is_not_there_is_said_in_a_line(self, goals: Goals, monkeypatch: pytest.MonkeyPatch) -> None:
        code, output = await recalculate(goals, monkeypatch, "--indicator", "nothing")

        assert code == 1
        assert output.strip() == "There is no indicator «nothing»."
        assert await goals.dirty() == []
