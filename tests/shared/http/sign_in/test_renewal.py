"""A session goes on with new tokens: asked for once, whoever needs them, and without losing what was typed."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from deploy.local import issuer, issuer_app
from shared.http.client import send_form
from shared.http.sign_in import provider, visitors
from shared.http.sign_in.secrets import digest
from shared.http.tokens import IssuerUnavailable
from tests.fixtures.databases import Database
from tests.fixtures.doubles import Clock
from tests.fixtures.signing_in import Browser, BrowserFor, LocalIssuer
from tests.shared.http.sign_in.conftest import planted
from tests.shared.http.sign_in.test_flow import COOKIE, name_on
from tests.shared.http.sign_in.test_sessions import token_in

LAST_MINUTE, ENDED = timedelta(minutes=9.5), timedelta(minutes=11)


@pytest.fixture(autouse=True)
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The refresh tokens that were used: a slow issuer takes each once, and then ends the sign-in as stolen."""
    used: list[str] = []

    def once(directory: Path, client: str, token: str) -> str | None:
        used.append(token)
        return issuer.held_by_refresh_token(directory, client, token) if len(set(used)) == len(used) else None

    async def slowly(url: str, form: Mapping[str, str]) -> tuple[int, Any]:
        await asyncio.sleep(0.3)
        return await send_form(url, form)

    monkeypatch.setattr(issuer_app, "held_by_refresh_token", once)
    monkeypatch.setattr(provider, "send_form", slowly)
    return used


@pytest_asyncio.fixture
async def elsewhere(
    reporting_database: Database, local_issuer: LocalIssuer, browser_for: BrowserFor, browser: Browser, clock: Clock
) -> Browser:
    """The same browser at another replica."""
    replica = local_issuer.service_on(reporting_database)
    replica.include_router(planted)
    other = await browser_for(replica)
    other.cookies = browser.cookies
    return other


def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The issuer does not answer."""

    async def nobody(*_: object) -> None:
        raise httpx.ConnectError("nobody there")

    monkeypatch.setattr(provider, "send_form", nobody)


@pytest.mark.parametrize("later", [LAST_MINUTE, ENDED], ids=["with a good token", "without one"])
async def test_of_several_at_once_in_two_replicas_one_asks_and_all_go_on(
    browser: Browser, elsewhere: Browser, clock: Clock, used: list[str], later: timedelta
) -> None:
    await browser.sign_in("auditor")
    form = {"csrf": token_in(await browser.get("/desk"))}
    clock.now += later

    pages = await asyncio.gather(
        browser.get("/desk"), elsewhere.post("/desk", form), elsewhere.get("/desk"), browser.get("/lobby")
    )

    assert [page.status_code for page in pages] == [200] * 4
    assert "Taken" in pages[1].text
    assert {name_on(page.text) for page in pages} == {"Auditor"}
    assert len(used) == 1
    clock.now += ENDED
    assert (await elsewhere.get("/desk")).status_code == 200
    assert len(used) == 2


async def test_a_form_waits_for_an_issuer_that_is_away(
    browser: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("auditor")
    form = {"csrf": token_in(await browser.get("/desk")), "comment": 'Much "work" & <b>care</b>'}
    clock.now += ENDED
    with monkeypatch.context() as patched:
        away(patched)
        answer = await browser.post("/desk", form)
        shown = await browser.get("/desk")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "You are still signed in" in answer.text
    assert 'name="comment" value="Much &#34;work&#34; &amp; &lt;b&gt;care&lt;/b&gt;"' in answer.text
    assert shown.status_code == 503
    assert "Send it again" not in shown.text
    assert "Taken" in (await browser.post("/desk", {**form, "csrf": token_in(answer)})).text


async def test_meanwhile_a_public_page_is_what_it_is_to_the_public(
    browser: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("auditor")
    clock.now += ENDED
    with monkeypatch.context() as patched:
        away(patched)
        page = await browser.get("/lobby")

    assert (page.status_code, name_on(page.text)) == (200, None)
    assert name_on((await browser.get("/lobby")).text) == "Auditor"


async def without_keys(_: str) -> None:
    raise IssuerUnavailable("The issuer's keys cannot be read now.")


async def waiting_for_keys(_: str) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("verify", [without_keys, waiting_for_keys])
@pytest.mark.parametrize("later", [LAST_MINUTE, ENDED], ids=["with a good token", "without one"])
async def test_tokens_that_cannot_be_checked_yet_are_not_lost(
    browser: Browser, app: FastAPI, clock: Clock, monkeypatch: pytest.MonkeyPatch, later: timedelta, verify: Any
) -> None:
    await browser.sign_in("auditor")
    clock.now += later

    with monkeypatch.context() as patched:
        patched.setattr(visitors, "_LONGEST_RENEWAL", 2.0)
        patched.setattr(app.state.verifier, "verify", verify)
        meanwhile = await browser.get("/desk")

    assert meanwhile.status_code == (200 if later == LAST_MINUTE else 503)
    assert (await browser.get("/desk")).status_code == 200


async def test_who_dies_while_asking_holds_the_others_up_for_moments(
    browser: Browser, app: FastAPI, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "_LONGEST_RENEWAL", 0.5)
    await browser.sign_in("auditor")
    clock.now += ENDED
    async with app.state.sessions() as session, session.begin():
        await session.execute(
            text("update page_session set renewing_until = :until where id_digest = :id"),
            {"until": clock.now + timedelta(seconds=15), "id": digest(browser.cookies[COOKIE])},
        )

    assert (await browser.get("/desk")).status_code == 503
    clock.now += timedelta(seconds=15)
    assert (await browser.get("/desk")).status_code == 200
