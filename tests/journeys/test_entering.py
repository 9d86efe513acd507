"""A data provider enters a month with the keyboard alone, and lands on the scorecard that shows it."""

from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from shared.clock import current_time
from tests.journeys.running import Journey

pytestmark = pytest.mark.browser
LAST_MONTH = (current_time().date().replace(day=1) - timedelta(days=1)).replace(day=1).isoformat()
MONTH = f"/measurements/RF4/month/{LAST_MONTH}"
ENTERED = "journey-entered"
DEFINITION = {
    "code": ENTERED,
    "name": {"en": "Falls"},
    "definition": {"en": "Falls for each thousand days of a bed being used."},
    "direction": "decrease",
    "unit_of_measure": {"en": "falls"},
    "aggregation_over_time": "sum",
    "aggregation_over_units": "sum",
    "disclosure_class": "internal",
    "frequency": "month",
}


@pytest_asyncio.fixture
async def page(journey: Journey, browser: Browser) -> Page:
    """A browser that has been nowhere yet; RF4 is asked for a number of one month that is not public."""
    assigned = {"indicator": ENTERED, "unit": "RF4", "valid_from": LAST_MONTH}
    async with journey.client("goals", "performance_officer") as goals:
        for path, body in (("/v1/indicators", DEFINITION), ("/v1/assignments", assigned)):
            answer = await goals.post(path, json=body, headers={"Idempotency-Key": ENTERED})
            assert answer.status_code == 201, answer.text
    context = await browser.new_context()
    return await context.new_page()


async def tab_to(page: Page, selector: str) -> None:
    """Press the tabulator until the focus is there."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"The keyboard does not reach {selector}.")


async def test_a_month_is_entered_with_the_keyboard_and_stands_on_the_scorecard(journey: Journey, page: Page) -> None:
    goals, reporting = journey.stack.urls["goals"], journey.stack.urls["reporting"]
    await page.goto(f"{goals}/measurements?indicator={ENTERED}")
    await tab_to(page, "input[type=radio]")
    while not await page.is_checked("input[value=data_provider]"):
        await page.keyboard.press("ArrowDown")
    await tab_to(page, "input[name=unit]")
    await page.keyboard.type("RF4")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{goals}/measurements**")
    await tab_to(page, f"a[href='{MONTH}']")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{goals}{MONTH}")

    await tab_to(page, f"#{ENTERED}-value")
    await page.keyboard.type("1,234")
    await page.keyboard.press("Enter")
    await page.wait_for_function("document.activeElement.id === 'error-summary'")
    assert "a point and no comma" in await page.inner_text(f"#{ENTERED}-value-error")

    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == f"{ENTERED}-value"
    assert await page.input_value(f"#{ENTERED}-value") == "1,234"
    await page.keyboard.press("Control+A")
    await page.keyboard.type("1 234")
    await page.keyboard.press("Enter")

    await page.wait_for_url(f"{reporting}/scorecards/RF4**", timeout=30_000)
    assert await page.inner_text(".masthead__name") == "Data provider, RF4"
    assert "This page includes them." in await page.inner_text("main")
    assert "1,234" in await page.inner_text(f"article:has(#tile-{ENTERED})")


async def test_an_open_scorecard_says_when_a_newer_number_is_here(journey: Journey, page: Page) -> None:
    reporting = journey.stack.urls["reporting"]
    await page.goto(f"{reporting}/sign-in?login_hint=data_provider@RF4&next=/scorecards/RF4")
    await page.wait_for_selector("[data-changes] p", state="hidden")

    value = {"indicator": ENTERED, "unit": "RF4", "period": {"frequency": "month", "start": LAST_MONTH}, "value": "7"}
    async with journey.client("goals", "data_provider") as goals:
        assert (await goals.post("/v1/measurements", json=value)).status_code == 201

    await page.wait_for_selector("text=Newer numbers are here", timeout=30_000)
