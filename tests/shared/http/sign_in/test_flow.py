"""Signing in with a browser: to the issuer and back, once, in one browser, under a new session."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from services.goals.app import create_app
from services.goals.settings import GoalsSettings
from shared.settings import UnsafeSettings
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor
from tests.fixtures.signing_in import Browser, BrowserFor, LocalIssuer

COOKIE = "__Host-steward-reporting"


def name_on(html: str) -> str | None:
    """Who the page says is signed in."""
    _, found, rest = html.partition('<span class="masthead__name">')
    return rest.partition("<")[0] if found else None


class TestThere:
    async def test_the_issuer_is_asked_for_a_code_with_pkce_state_and_nonce(
        self, browser: Browser, local_issuer: LocalIssuer
    ) -> None:
        answer = await browser.get("/sign-in")

        address = urlsplit(answer.headers["location"])
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{local_issuer.address}/authorize"
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        assert asked["redirect_uri"] == f"{browser.origin}/sign-in/callback"

    async def test_every_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(self, browser: Browser) -> None:
        back = await browser.leave("auditor")
        answers = [await browser.get("/sign-in"), await browser.get(back)]

        for header in [header for answer in answers for header in answer.headers.get_list("set-cookie")]:
            assert header.startswith(COOKIE)
            assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(header.split("; ")), header
            assert "Domain" not in header

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https:evil.example",
            "https://evil.example/",
            "/\t/evil.example",
            "/\n/evil.example",
            "desk",
            "",
            "/desk#\r\nSet-Cookie: a=b",
            "/" + "a" * 2000,
        ],
    )
    async def test_no_other_site_can_be_the_next_page(self, browser: Browser, elsewhere: str) -> None:
        answer = await browser.client.get("/sign-in", params={"next": elsewhere})

        assert answer.status_code == 422
        assert "a path of this service" in answer.text

    async def test_a_page_of_this_service_can(self, browser: Browser) -> None:
        assert await browser.sign_in("auditor", to="/scorecards?q=a%26b&sort=-name") == "/scorecards?q=a%26b&sort=-name"

    async def test_without_one_it_leads_to_the_service_s_first_page(self, browser: Browser) -> None:
        assert await browser.sign_in("auditor") == "/scorecards"


class TestBack:
    async def test_the_page_shows_who_is_signed_in(self, browser: Browser) -> None:
        assert name_on((await browser.get("/desk")).text) is None

        await browser.sign_in("data_provider@RF4")
        page = await browser.get("/desk")

        assert name_on(page.text) == "Data provider, RF4"
        assert "Desk for RF4" in page.text

    async def test_an_answer_of_the_issuer_counts_once(self, browser: Browser) -> None:
        back = await browser.leave("auditor")
        assert (await browser.get(back)).status_code == 303

        again = await browser.get(back)

        assert again.status_code == 400
        assert "Signing in did not work" in again.text

    async def test_a_code_counts_once_whatever_state_it_comes_with(self, browser: Browser) -> None:
        used = await browser.leave("auditor")
        await browser.get(used)
        fresh = await browser.leave("auditor")
        code, state = (parse_qs(urlsplit(each).query)[name][0] for each, name in ((used, "code"), (fresh, "state")))

        answer = await browser.get(f"/sign-in/callback?code={code}&state={state}")

        assert answer.status_code == 400
        assert COOKIE in browser.cookies  # the first sign-in stands

    async def test_nobody_finishes_in_another_s_browser_what_he_began_in_his_own(
        self, app: FastAPI, browser: Browser, browser_for: BrowserFor
    ) -> None:
        victim = await browser_for(app)
        await victim.get("/sign-in")

        answer = await victim.get(await browser.leave("auditor"))

        assert answer.status_code == 400
        assert COOKIE not in victim.cookies

    async def test_of_two_tabs_that_sign_in_at_once_the_first_is_signed_in(self, browser: Browser) -> None:
        tabs = [await browser.leave("auditor", to="/desk"), await browser.leave("auditor", to="/scorecards")]

        assert [(await browser.get(tab)).status_code for tab in tabs] == [303, 400]
        assert name_on((await browser.get("/desk")).text) == "Auditor"

    @pytest.mark.parametrize(
        "told", ["", "&error=access_denied", "&code=made-up", "&code=made-up&iss=https://evil.example"]
    )
    async def test_without_a_good_code_nobody_is_signed_in(self, browser: Browser, told: str) -> None:
        state = parse_qs(urlsplit((await browser.get("/sign-in")).headers["location"]).query)["state"][0]

        answer = await browser.get(f"/sign-in/callback?state={state}{told}")

        assert answer.status_code == 400
        assert COOKIE not in browser.cookies

    async def test_a_session_id_that_was_planted_is_not_taken_over(self, browser: Browser) -> None:
        planted = browser.cookies[COOKIE] = "A" * 43

        await browser.sign_in("auditor")
        taken = browser.cookies[COOKIE]
        browser.cookies[COOKIE] = planted

        assert taken != planted
        assert (await browser.get("/desk")).status_code == 303

    async def test_signing_in_again_ends_the_session_before(self, browser: Browser) -> None:
        await browser.sign_in("auditor")
        before = browser.cookies[COOKIE]

        await browser.sign_in("analyst")
        assert name_on((await browser.get("/desk")).text) == "Analyst"
        browser.cookies[COOKIE] = before

        assert (await browser.get("/desk")).status_code == 303

    async def test_a_session_of_one_service_opens_no_other(
        self,
        browser: Browser,
        browser_for: BrowserFor,
        local_issuer: LocalIssuer,
        database: Callable[[str], Awaitable[Database]],
    ) -> None:
        other = await browser_for(local_issuer.service_on(await database("goals")))
        await other.sign_in("auditor")
        assert name_on((await other.get("/")).text) == "Auditor"

        browser.cookies = {**other.cookies, COOKIE: other.cookies["__Host-steward-goals"]}

        assert (await browser.get("/desk")).status_code == 303

    async def test_the_database_holds_nothing_that_signs_in(self, app: FastAPI, browser: Browser) -> None:
        await browser.sign_in("auditor")

        secret = browser.cookies[COOKIE]
        async with app.state.sessions() as session:
            found = await session.execute(
                text("select page_session::text from page_session where id_digest = sha256(:secret)"),
                {"secret": secret.encode()},
            )
            row = found.scalar_one()

        assert secret not in row
        assert secret.encode().hex() not in row
        assert "eyJ0eXAiOiJKV1Qi" not in row  # how a token of this issuer begins
        assert "Auditor" in row  # the name is kept here, and nowhere else


async def test_no_log_line_says_who_it_is(browser: Browser) -> None:
    with capture_logs() as lines:
        await browser.sign_in("data_provider@RF4")
        await browser.get("/desk")
        await browser.get("/machines")

    assert [line["event"] for line in lines if line["event"] == "signed_in"]
    assert not re.search("data.provider|RF4", str(lines), re.IGNORECASE)


class TestSettings:
    def test_nobody_signs_in_over_plain_http_outside_a_local_run(self) -> None:
        given = {"GOALS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "env": "production"}
        sign_in = {"issuer": "http://login.example.org", "client_id": "goals"}

        with pytest.raises(UnsafeSettings, match="not an https address"):
            GoalsSettings.model_validate({**given, "sign_in": sign_in}).refuse_unsafe()

    async def test_without_an_issuer_pages_are_public_and_say_nothing_of_signing_in(
        self, client_for: ClientFor, database: Callable[[str], Awaitable[Database]]
    ) -> None:
        given = {"GOALS_DATABASE_URL": (await database("goals")).url, "env": "local"}
        async with client_for(create_app(GoalsSettings.model_validate(given))) as client:
            start, sign_in = await client.get("/"), await client.get("/sign-in")

        assert (start.status_code, "Sign in" in start.text) == (200, False)
        assert (sign_in.status_code, sign_in.json()["code"]) == (503, "no_sign_in")
