"""A session: how long it lasts, how it is renewed, what ends it, and what it opens."""

from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from shared.http.auth import Assigned, Identity
from tests.fixtures.doubles import Clock
from tests.fixtures.signing_in import Browser, LocalIssuer
from tests.shared.http.sign_in.test_flow import COOKIE, name_on

MINUTE = timedelta(minutes=1)


async def is_signed_in(browser: Browser) -> bool:
    """Whether the desk opens, or leads to signing in."""
    answer = await browser.get("/desk")
    assert answer.status_code in (200, 303), answer.text
    return answer.status_code == 200


def token_in(page: httpx.Response) -> str:
    """The CSRF token of the page's form."""
    return page.text.partition('name="csrf" value="')[2].partition('"')[0]


class TestHowLong:
    async def test_half_an_hour_of_silence_ends_it(self, browser: Browser, clock: Clock) -> None:
        await browser.sign_in("auditor")
        clock.now += 29 * MINUTE
        assert await is_signed_in(browser)

        clock.now += 30 * MINUTE

        assert not await is_signed_in(browser)

    async def test_twelve_hours_are_the_most_whatever_is_done(self, browser: Browser, clock: Clock) -> None:
        await browser.sign_in("auditor")
        for _ in range(28):
            clock.now += 25 * MINUTE
            assert await is_signed_in(browser)

        clock.now += 20 * MINUTE

        assert not await is_signed_in(browser)

    async def test_it_goes_on_with_a_new_token_when_the_first_one_ends(
        self, browser: Browser, clock: Clock, app: FastAPI
    ) -> None:
        await browser.sign_in("auditor")
        before = browser.cookies[COOKIE]

        clock.now += 11 * MINUTE

        assert await is_signed_in(browser)
        assert browser.cookies[COOKIE] == before

    async def test_it_ends_with_its_token_where_the_issuer_gives_no_other(
        self, browser: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("deploy.local.issuer_app.held_by_refresh_token", lambda *_: None)
        await browser.sign_in("auditor")
        clock.now += 9.5 * MINUTE
        assert await is_signed_in(browser)

        clock.now += 1 * MINUTE

        assert not await is_signed_in(browser)

    async def test_an_issuer_that_is_away_ends_no_session_before_its_token(
        self, browser: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(*_: object) -> None:
            raise httpx.ConnectError("nobody there")

        await browser.sign_in("auditor")
        with monkeypatch.context() as patched:
            patched.setattr("shared.http.sign_in.provider.send_form", away)
            clock.now += 9.5 * MINUTE
            assert await is_signed_in(browser)
            clock.now += 1 * MINUTE
            assert (await browser.get("/desk")).status_code == 503

        assert await is_signed_in(browser)

    async def test_whoever_signs_in_later_clears_away_what_is_over(
        self, browser: Browser, clock: Clock, app: FastAPI
    ) -> None:
        await browser.sign_in("auditor")
        await browser.get("/sign-in")
        clock.now += timedelta(hours=13)

        await browser.sign_in("analyst")

        async with app.state.sessions() as session:
            for table, time in (("sign_in", "expires_at"), ("page_session", "ends_at")):
                over = await session.execute(
                    text(f"select count(*) from {table} where {time} <= :now"), {"now": clock.now}
                )
                assert over.scalar_one() == 0


class TestSigningOut:
    async def test_it_ends_the_session_here_and_leads_to_the_issuer(
        self, browser: Browser, local_issuer: LocalIssuer
    ) -> None:
        await browser.sign_in("auditor")
        kept = browser.cookies[COOKIE]

        answer = await browser.post("/sign-out", {"csrf": token_in(await browser.get("/desk"))})

        assert "You are signed out" in answer.text
        assert f'content="0; url={local_issuer.address}/end-session?' in answer.text
        assert COOKIE not in browser.cookies
        browser.cookies[COOKIE] = kept
        assert not await is_signed_in(browser)

    async def test_whoever_is_signed_out_already_is_told_so(self, browser: Browser) -> None:
        answer = await browser.post("/sign-out", {})

        assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
        assert "You are signed out" in (await browser.get("/signed-out")).text

    async def test_a_block_ends_it(self, browser: Browser, app: FastAPI) -> None:
        await browser.sign_in("auditor")

        async def blocked(_: Identity) -> Assigned:
            return Assigned(blocked=True)

        known, app.state.assigned = app.state.assigned, SimpleNamespace(of=blocked)

        assert (await browser.get("/desk")).status_code == 403
        app.state.assigned = known
        assert not await is_signed_in(browser)

    async def test_whoever_is_blocked_sees_public_pages_as_the_public_does(
        self, browser: Browser, app: FastAPI
    ) -> None:
        await browser.sign_in("auditor")

        async def blocked(_: Identity) -> Assigned:
            return Assigned(blocked=True)

        app.state.assigned = SimpleNamespace(of=blocked)
        page = await browser.get("/lobby")

        assert (page.status_code, name_on(page.text)) == (200, None)
        assert "Lobby for readers" not in page.text


class TestForms:
    async def test_a_form_of_this_session_is_taken(self, browser: Browser) -> None:
        await browser.sign_in("auditor")

        answer = await browser.post("/desk", {"csrf": token_in(await browser.get("/desk"))})

        assert "Taken" in answer.text

    @pytest.mark.parametrize("path", ["/desk", "/sign-out"])
    @pytest.mark.parametrize("token", ["none", "wrong", "of another session", "not ASCII"])
    async def test_one_without_its_token_is_refused(
        self, browser: Browser, app: FastAPI, path: str, token: str
    ) -> None:
        other = Browser(browser.client, browser.origin)
        await other.sign_in("auditor")
        await browser.sign_in("auditor")
        sent = {
            "none": {},
            "wrong": {"csrf": "A" * 43},
            "of another session": {"csrf": token_in(await other.get("/desk"))},
            "not ASCII": {"csrf": "é"},
        }[token]

        answer = await browser.post(path, sent)

        assert answer.status_code == 403
        assert "not from this session" in answer.text
        assert await is_signed_in(browser)

    @pytest.mark.parametrize("path", ["/desk", "/sign-out"])
    @pytest.mark.parametrize(
        "origin", [None, "null", "https://evil.example", "http://127.0.0.1:1", "https://127.0.0.1"]
    )
    async def test_one_from_another_site_is_refused(self, browser: Browser, path: str, origin: str | None) -> None:
        await browser.sign_in("auditor")

        answer = await browser.post(path, {"csrf": token_in(await browser.get("/desk"))}, origin=origin)

        assert answer.status_code == 403
        assert await is_signed_in(browser)

    async def test_one_sent_after_the_session_is_over_is_refused_and_not_redirected(
        self, browser: Browser, clock: Clock
    ) -> None:
        await browser.sign_in("auditor")
        form = {"csrf": token_in(await browser.get("/desk"))}
        clock.now += timedelta(hours=13)

        answer = await browser.post("/desk", form)

        assert answer.status_code == 401
        assert "Sign in first" in answer.text


class TestWhatItOpens:
    async def test_a_page_for_a_role_leads_to_signing_in_and_back(self, browser: Browser) -> None:
        answer = await browser.get("/desk?a=1&b=%2F")

        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Fdesk%3Fa%3D1%26b%3D%252F"

    async def test_a_page_for_another_role_stays_closed(self, browser: Browser) -> None:
        await browser.sign_in("auditor")

        answer = await browser.get("/machines")

        assert answer.status_code == 403
        assert name_on(answer.text) == "Auditor"

    async def test_the_api_takes_no_cookie(self, browser: Browser) -> None:
        await browser.sign_in("auditor")

        answer = await browser.get("/v1/status")

        assert answer.status_code == 401

    @pytest.mark.parametrize("path", ["/desk", "/lobby", "/scorecards"])
    async def test_a_page_takes_no_token(self, app: FastAPI, browser: Browser, path: str) -> None:
        await browser.sign_in("auditor")
        cookie = f"{COOKIE}={browser.cookies[COOKIE]}"

        answer = await browser.client.get(path, headers={"Authorization": "Bearer x", "Cookie": cookie})

        assert (answer.status_code, answer.json()["code"]) == (401, "token_on_page")

    async def test_what_is_made_for_somebody_is_kept_by_nobody(self, browser: Browser) -> None:
        public = await browser.get("/lobby")
        await browser.sign_in("auditor")
        own = await browser.get("/lobby")

        assert public.headers["cache-control"] == "public, max-age=5"
        assert "Cookie" in public.headers["vary"]
        assert own.headers["cache-control"] == "private, no-store"
        assert name_on(own.text) == "Auditor"
        assert ("Lobby for readers" in public.text, "Lobby for readers" in own.text) == (False, True)

    async def test_a_cookie_that_means_nothing_is_the_public(self, browser: Browser) -> None:
        browser.cookies[COOKIE] = "A" * 43

        page = await browser.get("/lobby")

        assert (page.status_code, name_on(page.text)) == (200, None)
        assert page.headers["cache-control"] == "private, no-store"
