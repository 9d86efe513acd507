"""Signing in and out in a real browser: choosing a role, what it shows, and how it ends."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.fixtures.databases import Database
from tests.fixtures.serving import Serve
from tests.fixtures.signing_in import LocalIssuer
from tests.pages.axe import violations

pytestmark = pytest.mark.browser
SECRET = "Days lost to sickness"
"""An indicator that the public does not see."""


@pytest_asyncio.fixture
async def reports(local_issuer: LocalIssuer, rivershire: Database, serve: Serve) -> str:
    """The address of a reporting service at whose pages people sign in."""
    address = local_issuer.services["reporting"]
    return await serve(local_issuer.service_on(rivershire), int(address.rpartition(":")[2]))


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser that has been nowhere yet."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


async def choose(page: Page, role: str, unit: str = "") -> None:
    """Choose a role at the issuer, with the keyboard alone."""
    await page.get_by_role("radio", name=role).focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.type(unit)
    await page.keyboard.press("Enter")


async def test_somebody_signs_in_with_a_role_sees_more_and_signs_out(page: Page, reports: str) -> None:
    await page.goto(f"{reports}/scorecards/N1?period=2019-03")
    assert SECRET not in await page.inner_text("main")

    await page.click("text=Sign in")
    await choose(page, "Auditor")

    await page.wait_for_url(f"{reports}/scorecards/N1?period=2019-03")
    assert await page.inner_text(".masthead__name") == "Auditor"
    assert SECRET in await page.inner_text("main")
    assert "Not for publication" in await page.inner_text("main")

    await page.click("text=Sign out")
    await page.wait_for_url(f"{reports}/signed-out")
    assert await page.inner_text("h1") == "You are signed out"
    await page.goto(f"{reports}/scorecards/N1?period=2019-03")

    assert await page.is_visible("text=Sign in")
    assert SECRET not in await page.inner_text("main")
    assert [cookie["name"] for cookie in await page.context.cookies()] == []


async def test_a_role_for_one_unit_shows_more_of_that_unit_alone(page: Page, reports: str) -> None:
    await page.goto(f"{reports}/sign-in?next=/scorecards/N1")
    await choose(page, "Data provider", "N1")
    await page.wait_for_url(f"{reports}/scorecards/N1")
    own = await page.inner_text("main")
    await page.goto(f"{reports}/scorecards/N2")

    assert await page.inner_text(".masthead__name") == "Data provider, N1"
    assert (SECRET in own, SECRET in await page.inner_text("main")) == (True, False)


async def test_a_link_signs_a_role_in(page: Page, reports: str) -> None:
    await page.goto(f"{reports}/sign-in?login_hint=analyst")

    assert page.url == f"{reports}/scorecards"
    assert await page.inner_text(".masthead__name") == "Analyst"


async def test_scripts_and_other_sites_do_not_get_the_cookie(page: Page, reports: str) -> None:
    await page.goto(f"{reports}/sign-in?login_hint=analyst")

    (cookie,) = await page.context.cookies()
    assert await page.evaluate("document.cookie") == ""
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (
        "__Host-steward-reporting",
        True,
        True,
        "Lax",
        "/",
    )


async def test_going_back_after_signing_out_shows_nothing_of_it(page: Page, reports: str) -> None:
    await page.goto(f"{reports}/sign-in?login_hint=auditor&next=/scorecards/N1")
    await page.click("text=Sign out")
    await page.wait_for_url(f"{reports}/signed-out")

    await page.goto(f"{reports}/scorecards/N1")
    await page.go_back()
    await page.go_forward()

    assert SECRET not in await page.content()


async def test_the_way_out_can_be_read(page: Page, reports: str) -> None:
    await page.goto(f"{reports}/sign-in?login_hint=auditor")
    behind = "element => getComputedStyle(element.closest('form')).backgroundColor"

    assert await page.locator("button:text('Sign out')").evaluate(behind) == "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_where_somebody_signs_in_and_is_signed_in(
    browser: Browser, reports: str, scheme: Any
) -> None:
    page = await browser.new_page(color_scheme=scheme)
    await page.goto(f"{reports}/sign-in?next=/scorecards/N1")
    assert await violations(page) == []
    await page.click("button")
    assert await page.is_visible(".govuk-error-summary")
    assert await violations(page) == []

    await choose(page, "Auditor")
    await page.wait_for_url(f"{reports}/scorecards/N1")
    assert await violations(page) == []
    await page.goto(f"{reports}/signed-out")
    assert await violations(page) == []
    await page.close()


@pytest.mark.parametrize("width", [320, 1280])
async def test_a_long_name_does_not_make_the_page_scroll_sideways(page: Page, reports: str, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    await page.goto(f"{reports}/sign-in?login_hint=performance_officer@{'x' * 64}")

    assert await page.evaluate("document.documentElement.scrollWidth") == width
