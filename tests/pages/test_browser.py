"""The pages in a real browser: accessible by axe's rules, by keyboard, without script, and on a narrow screen."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser

from services.feedback.app import create_app
from services.feedback.settings import FeedbackSettings
from shared.database import transaction
from tests.feedback.samples import QUESTIONS, SURVEY, seed
from tests.fixtures.databases import Database
from tests.fixtures.doubles import RolesInTheToken
from tests.fixtures.services import ClientFor
from tests.fixtures.serving import Serve
from tests.pages.axe import violations

pytestmark = pytest.mark.browser
NARROWEST = 320
"""CSS pixels: WCAG 1.4.10 asks for no scrolling in two directions down to here."""


@pytest_asyncio.fixture
async def reports(reporting: FastAPI, serve: Serve) -> str:
    """The address of the reporting service."""
    return await serve(reporting)


@pytest_asyncio.fixture
async def survey(database: Callable[[str], Awaitable[Database]], client_for: ClientFor, serve: Serve) -> str:
    """The address of a survey's form."""
    own = await database("feedback")
    app = create_app(FeedbackSettings.model_validate({"FEEDBACK_DATABASE_URL": own.url, "env": "local"}))
    app.state.verifier = RolesInTheToken()
    async with transaction(app.state.sessions) as session:
        await seed(session)
    async with client_for(app) as client:
        client.headers["Authorization"] = "Bearer performance_officer"
        for path, body in (
            ("/v1/surveys", {**SURVEY, "code": "ae"}),
            ("/v1/surveys/ae/versions", {"questions": QUESTIONS}),
            ("/v1/surveys/ae/versions/1:publish", None),
            ("/v1/surveys/ae:open", None),
        ):
            answer = await client.post(path, json=body)
            assert answer.is_success, answer.text
    return f"{await serve(app)}/surveys/ae"


class TestAxe:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("path", ["/scorecards", "/scorecards/N1", "/scorecards/nobody"])
    async def test_it_finds_nothing_on_the_pages_of_reporting(
        self, browser: Browser, reports: str, path: str, scheme: Any
    ) -> None:
        page = await browser.new_page(color_scheme=scheme)
        await page.goto(reports + path)
        for details in await page.query_selector_all("details"):
            await details.evaluate("element => element.open = true")

        assert await violations(page) == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_it_finds_nothing_on_the_form_of_a_survey(self, browser: Browser, survey: str, scheme: Any) -> None:
        page = await browser.new_page(color_scheme=scheme)
        await page.goto(survey)

        assert await violations(page) == []

        await page.click("button")

        assert await page.is_visible(".govuk-error-summary")
        assert await violations(page) == []

    @pytest.mark.parametrize(
        ("fault", "rule"),
        [
            ("document.querySelector('main').innerHTML += '<img src=\"/static/mark.svg\">'", "image-alt"),
            ("document.querySelector('h1').style = 'color: #ccd; background: #fff'", "color-contrast"),
            ("document.querySelector('label[for=q]').remove()", "label"),
        ],
    )
    async def test_it_finds_a_planted_fault(self, browser: Browser, reports: str, fault: str, rule: str) -> None:
        # The page's own policy refuses styles in attributes: the fault has to get past it.
        context = await browser.new_context(bypass_csp=True)
        page = await context.new_page()
        await page.goto(f"{reports}/scorecards")
        await page.evaluate(fault)

        assert rule in {found.split(":")[0] for found in await violations(page)}
        await context.close()


class TestKeyboard:
    async def test_the_first_stop_leads_to_the_content(self, browser: Browser, reports: str) -> None:
        page = await browser.new_page()
        await page.goto(f"{reports}/scorecards")

        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
        await page.keyboard.press("Enter")

        assert await page.evaluate("document.activeElement.id") == "main"

    async def test_the_filters_are_reached_in_order_and_sent(self, browser: Browser, reports: str) -> None:
        page = await browser.new_page()
        await page.goto(f"{reports}/scorecards#main")
        reached: list[str] = []
        for _ in range(12):
            await page.keyboard.press("Tab")
            reached.append(
                await page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
            )
        wanted = ["q", "region", "status", "period", "indicator", "Show"]

        assert [stop for stop in reached if stop in wanted] == wanted

        await page.focus("#q")
        await page.keyboard.type("southmoor")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**q=southmoor**")

        assert await page.inner_text("#units") == "2 units for “southmoor”"

    async def test_what_has_the_focus_can_be_seen(self, browser: Browser, reports: str) -> None:
        page = await browser.new_page()
        await page.goto(f"{reports}/scorecards")
        for _ in range(6):
            await page.keyboard.press("Tab")

        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


class TestWithoutScript:
    async def test_filters_links_and_tables_work(self, browser: Browser, reports: str) -> None:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{reports}/scorecards")

        await page.select_option("#status", "not_met")
        await page.click("text=Show")
        await page.click("text=N2 >> nth=0")
        await page.click("text=The numbers as a table >> nth=0")

        assert await page.is_visible("th:text('February 2019')")
        await context.close()


class TestNarrowScreens:
    @pytest.mark.parametrize("path", ["/scorecards", "/scorecards/root", "/scorecards/N1"])
    async def test_nothing_scrolls_sideways_but_tables(self, browser: Browser, reports: str, path: str) -> None:
        page = await browser.new_page(viewport={"width": NARROWEST, "height": 640})
        await page.goto(reports + path)

        assert await page.evaluate("document.documentElement.scrollWidth") == NARROWEST

    async def test_one_drawing_of_each_chart_is_shown(self, browser: Browser, reports: str) -> None:
        page = await browser.new_page(viewport={"width": NARROWEST, "height": 640})
        await page.goto(f"{reports}/scorecards/N2")
        narrow = await page.locator("svg.chart:visible").count()
        await page.set_viewport_size({"width": 1280, "height": 900})

        assert (narrow, await page.locator("svg.chart:visible").count()) == (1, 1)


class TestPrint:
    async def test_the_numbers_are_printed_and_the_form_is_not(self, browser: Browser, reports: str) -> None:
        page = await browser.new_page()
        await page.goto(f"{reports}/scorecards/N2")
        await page.emulate_media(media="print")

        assert await page.locator("form:visible").count() == 0
        assert await page.is_visible("th:text('February 2019')")
        assert await page.locator("svg.chart:visible").count() == 1
