"""An open scorecard is told that newer numbers are here, and a page waits for what its visitor has just written."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from services.reporting.app import create_app
from services.reporting.scorecards.web import changes
from services.reporting.settings import ReportingSettings
from shared.http import awaited, streams, written
from shared.messaging.handlers import Received
from shared.messaging.wakeups import APPLIED
from tests.fixtures.databases import Database, Templates
from tests.fixtures.serving import Serve
from tests.fixtures.signing_in import BrowserFor, LocalIssuer
from tests.reporting.scorecards.conftest import teller
from tests.reporting.told import assignment, evaluation, indicator, period, small_world, uid

SERIES = uid("ae_4h RF4 series")


@dataclass
class Reports:
    """A reporting service on a port, and a browser without a script."""

    app: FastAPI
    database: Database
    client: httpx.AsyncClient

    async def tell(self, *events: Received[Any]) -> None:
        """Let it hear events, as its worker does."""
        await teller(self.app)(*events)
        self.app.state.wakeups.say(APPLIED)

    async def stream(self) -> str:
        """The address of the stream that the page of RF4 names now."""
        page = await self.client.get("/scorecards/RF4")
        return unescape(re.findall(r'data-changes="([^"]+)"', page.text)[0])


@pytest_asyncio.fixture
async def reports(templates: Templates, serve: Serve) -> AsyncIterator[Reports]:
    own = await templates.clone("reporting")
    app = create_app(ReportingSettings(REPORTING_DATABASE_URL=SecretStr(own.url), env="local"))
    async with httpx.AsyncClient(base_url=await serve(app), timeout=20) as client:
        client.headers["Accept"] = "text/html"
        made = Reports(app, own, client)
        closed = indicator("sickness", disclosure_class="internal")
        await made.tell(*small_world(), closed, assignment("RF4", "sickness"), evaluation("RF4"))
        yield made


async def first_word(lines: AsyncIterator[str]) -> str:
    async with asyncio.timeout(10):
        return await anext(lines)


class TestTheStream:
    async def test_it_says_so_as_soon_as_a_newer_result_is_here(self, reports: Reports) -> None:
        address = await reports.stream()
        async with reports.client.stream("GET", address) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            await reports.tell(evaluation("RF4", period(within="9000"), version=2))

            assert await first_word(answer.aiter_lines()) == "event: changed"

    async def test_what_came_while_the_page_was_loading_is_told_at_once(self, reports: Reports) -> None:
        address = await reports.stream()
        await reports.tell(evaluation("RF4", period(within="9000"), version=2))

        async with asyncio.timeout(10):
            assert (await reports.client.get(address)).text == "event: changed\ndata:\n\n"

    @pytest.mark.parametrize("heard", [evaluation("RQM"), evaluation("RF4", code="sickness")])
    async def test_other_units_and_what_is_not_public_change_nothing_for_the_public(
        self, heard: Received[Any], reports: Reports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changes, "HEARTBEAT", 0.2)
        async with reports.client.stream("GET", await reports.stream()) as answer:
            lines = answer.aiter_lines()
            await reports.tell(heard)
            words = [await first_word(lines) for _ in range(10)]

        assert set(words) == {": still here", ""}

    async def test_all_who_watch_a_unit_share_one_look_and_hold_no_connection(self, reports: Reports) -> None:
        address = await reports.stream()
        async with AsyncExitStack() as stack:
            for _ in range(20):
                await stack.enter_async_context(reports.client.stream("GET", address))
            async with asyncio.timeout(10):
                while len(reports.app.state.streams) < 20 or reports.app.state.engine.pool.checkedout():  # noqa: ASYNC110 - they have no event
                    await asyncio.sleep(0.05)
            assert len(reports.app.state.streams) == 20
            assert len(reports.app.state.watched_scorecards) == 1
        async with asyncio.timeout(10):
            while len(reports.app.state.streams) or len(reports.app.state.watched_scorecards):  # noqa: ASYNC110 - they have no event
                await asyncio.sleep(0.05)

    async def test_whoever_opens_too_many_is_told_to_wait(
        self, reports: Reports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "PER_ADDRESS", 1)
        address = await reports.stream()
        async with reports.client.stream("GET", address):
            refused = await reports.client.get(address)

        assert (refused.status_code, "too_many_streams" in refused.text) == (429, True)

    async def test_there_is_none_of_a_unit_that_is_not_there(self, reports: Reports) -> None:
        assert (await reports.client.get("/scorecards/nobody/changes")).status_code == 404

    async def test_it_ends_with_the_session(
        self, reports: Reports, local_issuer: LocalIssuer, browser_for: BrowserFor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changes, "HEARTBEAT", 0.2)
        app = local_issuer.service_on(reports.database)
        browser = await browser_for(app)
        await browser.sign_in("analyst")
        page = (await browser.get("/scorecards/RF4")).text
        address = unescape(re.findall(r'data-changes="([^"]+)"', page)[0])
        listening = asyncio.create_task(
            browser.client.get(
                address, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
            )
        )
        await asyncio.sleep(0.5)
        assert not listening.done()

        await browser.post("/sign-out", {"csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0]})

        async with asyncio.timeout(10):
            assert (await listening).text.endswith("event: ended\ndata:\n\n")


class TestAPageAfterWriting:
    async def test_it_waits_for_the_number_and_shows_it(
        self, reports: Reports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Whoever waits is woken: looking again would take longer than the test has.
        monkeypatch.setattr(awaited, "_POLL", 60.0)
        monkeypatch.setattr(awaited, "_LATER", 60.0)
        address = f"/scorecards/RF4?after=goals/{SERIES}/2"
        asked = asyncio.create_task(reports.client.get(address))
        await asyncio.sleep(0.5)
        assert not asked.done()

        await reports.tell(evaluation("RF4", period(within="9123"), version=2, inputs_version=2))

        async with asyncio.timeout(5):
            page = (await asked).text
        assert "91.23" in page
        assert "This page includes those that are public." in page

    async def test_what_takes_longer_is_said_to_be_on_its_way(
        self, reports: Reports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(written, "LONGEST_WAIT", 0.2)
        mark = f"goals/{SERIES}/7"

        page = await reports.client.get(f"/scorecards/RF4?after={mark}&after=goals/{uuid4()}/1")

        assert page.status_code == 200
        assert "on their way" in page.text
        assert f"after={mark.replace('/', '%2F')}" in page.text
        assert page.headers["cache-control"] == "private, no-store"

    async def test_an_address_that_nobody_wrote_is_refused(self, reports: Reports) -> None:
        assert (await reports.client.get("/scorecards/RF4?after=https://elsewhere.example")).status_code == 400
