"""The documentation works behind a firewall: nothing comes from elsewhere, and a printed token opens an operation."""

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser

from tests.fixtures.serving import Serve
from tests.shared.http.conftest import Token

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture
async def address(tiny: FastAPI, serve: Serve) -> str:
    """Where the tiny service is served."""
    return await serve(tiny)


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
