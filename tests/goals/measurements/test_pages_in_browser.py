"""The pages on which numbers are entered, in a real browser: axe's rules, narrow screens, and what has the focus."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.fixtures.serving import Serve
from tests.fixtures.signing_in import LocalIssuer
from tests.goals.service import Goals, visits
from tests.pages.axe import violations

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture
async def entry(goals: Goals, local_issuer: LocalIssuer, serve: Serve) -> AsyncIterator[str]:
    """The address of a service in which Trust A reports two indicators, one of which has a correction."""
    items = [
        {"indicator": indicator, "unit": "a", "valid_from": "2019-01-01", "valid_to": "2019-03-31"}
        for indicator in ("waits", "visits")
    ]
    assert {one["status"] for one in await goals.batch("/v1/assignments:batch", items)} == {201}
    for value in ("12", "13.50"):
        await goals.made("/v1/measurements", visits(value=value))
    await goals.forget()  # what was told at the clock of the tests seems to have waited for long
    address = local_issuer.services["goals"]
    yield await serve(local_issuer.service_on(goals.database), int(address.rpartition(":")[2]))


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, entry: str, scheme: Any, width: int
) -> None:
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, java_script_enabled=True
    )
    page = await context.new_page()
    wrong: dict[str, list[str]] = {}
    too_wide: list[str] = []

    async def look(name: str) -> None:
        for details in await page.query_selector_all("details"):
            await details.evaluate("element => element.open = true")
        wrong[name] = await violations(page)
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(name)

    await page.goto(f"{entry}/sign-in?login_hint=data_provider@a&next=/measurements?before=2019-04-02,,")
    await look("list")
    await page.click("text=March 2019")
    await look("form")
    await page.fill("#waits-numerator", "1,234")
    await page.click("button:text('Save')")
    await page.wait_for_function("document.activeElement.id === 'error-summary'")
    await look("errors")
    await page.goto(f"{entry}/measurements/a/month/2019-03-01/recorded")
    await context.close()

    assert (wrong, too_wide) == ({"list": [], "form": [], "errors": []}, [])
