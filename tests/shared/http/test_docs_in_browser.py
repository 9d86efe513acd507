"""The documentation works behind a firewall: nothing comes from elsewhere, and a printed token opens an operation."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser

from tests.shared.http.conftest import Token

pytestmark = pytest.mark.browser


class _InOurLoop(uvicorn.Server):
    """A server that leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield


@pytest_asyncio.fixture
async def address(tiny: FastAPI) -> AsyncIterator[str]:
    """Where the tiny service is served."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = _InOurLoop(uvicorn.Config(tiny, log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve([listener]))
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has a flag, and no event, for this
            await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


async def test_an_operation_can_be_tried_with_a_printed_token(browser: Browser, address: str, bearer: Token) -> None:
    page = await browser.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)

    await page.goto(f"{address}/docs")
    await page.get_by_role("button", name="Authorize").click()
    await page.locator(".auth-container input").fill(bearer("reader")["Authorization"].removeprefix("Bearer "))
    await page.locator(".auth-btn-wrapper button.authorize").click()
    await page.locator(".auth-btn-wrapper button.btn-done").click()
    operation = page.locator("[id$='list_things']")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Execute").click()
    await operation.locator(".live-responses-table .response .response-col_status").wait_for()

    assert await operation.locator(".live-responses-table .response .response-col_status").inner_text() == "200"
    # Swagger UI draws two of its icons from data of its own.
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert complaints == []
    await page.close()
