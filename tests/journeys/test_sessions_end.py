"""A block and a sign-out end a page session for good, in the service where it was opened.

In one event mode: that a block itself arrives in each, test_people shows.
"""

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import pytest

from deploy.local.issuer import issuer_directory, sign
from deploy.postgres.bootstrap import SERVICES
from tests.fixtures.signing_in import Browser
from tests.journeys.conftest import MODES
from tests.journeys.running import Journey
from tests.journeys.test_people import principal_of

UNIT = "blocked-on-pages"


async def signed_in(browser: Browser) -> bool:
    """Whether a page names somebody."""
    return "masthead__name" in (await browser.get("/")).text


async def signed_out_within(browser: Browser, seconds: float) -> bool:
    began = monotonic()
    while await signed_in(browser):
        if monotonic() - began > seconds:
            return False
        await asyncio.sleep(0.5)
    return True


@pytest.mark.parametrize("journey", MODES[:1], indirect=True)
async def test_a_block_ends_the_sessions_in_every_service_within_a_minute(journey: Journey) -> None:
    principal = principal_of(sign(issuer_directory(journey.stack.directory), "auditor", UNIT))
    async with AsyncExitStack() as stack:
        clients = {service: await stack.enter_async_context(journey.client(service)) for service in SERVICES}
        browsers = [Browser(client, journey.stack.urls[service]) for service, client in clients.items()]
        for browser in browsers:
            await browser.sign_in(f"auditor@{UNIT}", to="/")
            assert await signed_in(browser)

        async with journey.client("goals", "administrator") as goals:
            blocked = await goals.post(f"/v1/principals/{principal}:block")
            ended = await asyncio.gather(*(signed_out_within(browser, 60) for browser in browsers))
            await goals.post(f"/v1/principals/{principal}:unblock")

        assert (blocked.status_code, ended) == (200, [True, True, True])
        await asyncio.sleep(6)  # longer than an answer about a principal is good
        assert [await signed_in(browser) for browser in browsers] == [False, False, False]


@pytest.mark.parametrize("journey", MODES[:1], indirect=True)
async def test_signing_out_ends_it_for_whoever_kept_the_cookie(journey: Journey) -> None:
    async with journey.client("reporting") as client:
        browser = Browser(client, journey.stack.urls["reporting"])
        await browser.sign_in("auditor", to="/")
        kept = dict(browser.cookies)
        page = (await browser.get("/")).text
        token = page.partition('name="csrf" value="')[2].partition('"')[0]

        answer = await browser.post("/sign-out", {"csrf": token})
        browser.cookies = kept

        assert answer.status_code == 200, answer.text
        assert not await signed_in(browser)
