"""Signing in at the local issuer: a role by link or by choice, and a way back to known addresses alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # it ships no types

from deploy.local.issuer import client_secrets, issuer_directory, prepare
from deploy.local.issuer_app import create_issuer

VERIFIER = "v" * 43
GOALS = "http://127.0.0.1:8101"
ASKED = {
    "response_type": "code",
    "client_id": "goals",
    "redirect_uri": f"{GOALS}/sign-in/callback",
    "scope": "openid profile",
    "state": "here",
    "nonce": "once",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An issuer's directory, ready."""
    directory = issuer_directory(tmp_path)
    prepare(directory, 8100)
    return directory


@pytest_asyncio.fixture
async def issuer(directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the issuer."""
    services = {"goals": GOALS, "reporting": "http://127.0.0.1:8103"}
    transport = httpx.ASGITransport(app=create_issuer(directory, services))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8100") as client:
        yield client


def told(answer: httpx.Response) -> dict[str, str]:
    """What the address says that the browser is sent back to."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{GOALS}/sign-in/callback?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def redeemed(issuer: httpx.AsyncClient, directory: Path, code: str, **changed: str) -> httpx.Response:
    """What the token endpoint answers to a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": ASKED["redirect_uri"],
        "code_verifier": VERIFIER,
        "client_id": "goals",
        "client_secret": client_secrets(directory)[changed.get("client_id", "goals")],
        **changed,
    }
    return await issuer.post("/token", data=form)


class TestChoosing:
    async def test_a_link_with_a_role_leads_straight_back(self, issuer: httpx.AsyncClient) -> None:
        back = told(await issuer.get("/authorize", params={**ASKED, "login_hint": "data_provider@RF4"}))

        assert back.keys() == {"code", "state", "iss"}
        assert (back["state"], back["iss"]) == ("here", "http://127.0.0.1:8100")

    @pytest.mark.parametrize("hint", [None, "king", "auditor@no unit", "follower"])
    async def test_without_a_role_of_people_there_is_a_choice(
        self, issuer: httpx.AsyncClient, hint: str | None
    ) -> None:
        answer = await issuer.get("/authorize", params={**ASKED, **({"login_hint": hint} if hint else {})})

        assert answer.status_code == 200
        assert "Choose a role" in answer.text
        assert "follower" not in answer.text

    async def test_the_choice_leads_back(self, issuer: httpx.AsyncClient) -> None:
        form = {"role": "data_provider", "unit": " RF4 "}

        assert "code" in told(await issuer.post("/authorize", params=ASKED, data=form))

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({}, "Choose a role"),
            ({"role": "king"}, "Choose a role"),
            ({"role": "auditor", "unit": "a b"}, "code of a unit"),
        ],
    )
    async def test_a_wrong_choice_is_told(self, issuer: httpx.AsyncClient, form: dict[str, str], said: str) -> None:
        answer = await issuer.post("/authorize", params=ASKED, data=form)

        assert answer.status_code == 422
        assert "There is a problem" in answer.text
        assert said in answer.text


class TestWhereItLeads:
    @pytest.mark.parametrize(
        "changed",
        [
            {"client_id": "nobody"},
            {"client_id": ""},
            {"client_id": "reporting"},
            {"redirect_uri": "https://evil.example/sign-in/callback"},
            {"redirect_uri": f"{GOALS}/sign-in/callback/"},
            {"redirect_uri": f"{GOALS}/sign-in/callback?next=https://evil.example"},
            {"redirect_uri": f"{GOALS}.evil.example/sign-in/callback"},
            {"redirect_uri": ""},
        ],
    )
    async def test_nobody_is_sent_to_an_address_that_is_not_known(
        self, issuer: httpx.AsyncClient, changed: dict[str, str]
    ) -> None:
        answer = await issuer.get("/authorize", params={**ASKED, "login_hint": "auditor", **changed})

        assert answer.status_code == 400
        assert "not known here" in answer.text

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "profile"}, "invalid_scope"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge": ""}, "invalid_request"),
            ({"nonce": ""}, "invalid_request"),
        ],
    )
    async def test_a_request_that_lacks_something_comes_back_with_the_reason(
        self, issuer: httpx.AsyncClient, changed: dict[str, str], error: str
    ) -> None:
        back = told(await issuer.get("/authorize", params={**ASKED, "login_hint": "auditor", **changed}))

        assert (back["error"], back["state"]) == (error, "here")

    @pytest.mark.parametrize(
        ("target", "status"), [(f"{GOALS}/signed-out", 303), ("https://evil.example/signed-out", 400), ("", 400)]
    )
    async def test_signing_out_leads_back_to_a_service_alone(
        self, issuer: httpx.AsyncClient, target: str, status: int
    ) -> None:
        answer = await issuer.get("/end-session", params={"post_logout_redirect_uri": target})

        assert answer.status_code == status


class TestCodes:
    async def test_one_is_good_once(self, issuer: httpx.AsyncClient, directory: Path) -> None:
        code = told(await issuer.get("/authorize", params={**ASKED, "login_hint": "auditor"}))["code"]

        answers = [await redeemed(issuer, directory, code) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 400]
        assert answers[0].json().keys() >= {"access_token", "id_token", "refresh_token", "expires_in"}

    @pytest.mark.parametrize(
        "changed",
        [
            {"client_id": "reporting"},
            {"redirect_uri": "http://127.0.0.1:8103/sign-in/callback"},
            {"code_verifier": "w" * 43},
            {"code_verifier": ""},
        ],
    )
    async def test_one_is_good_for_whoever_began(
        self, issuer: httpx.AsyncClient, directory: Path, changed: dict[str, str]
    ) -> None:
        code = told(await issuer.get("/authorize", params={**ASKED, "login_hint": "auditor"}))["code"]

        answer = await redeemed(issuer, directory, code, **changed)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    async def test_a_refresh_token_is_good_for_its_client_alone(
        self, issuer: httpx.AsyncClient, directory: Path
    ) -> None:
        code = told(await issuer.get("/authorize", params={**ASKED, "login_hint": "auditor"}))["code"]
        tokens = (await redeemed(issuer, directory, code)).json()
        secrets = client_secrets(directory)

        def asked(client: str, token: str) -> dict[str, str]:
            who = {"client_id": client, "client_secret": secrets[client]}
            return {"grant_type": "refresh_token", "refresh_token": token, **who}

        answers = [
            await issuer.post("/token", data=asked(client, tokens[kind]))
            for client, kind in (("goals", "refresh_token"), ("reporting", "refresh_token"), ("goals", "access_token"))
        ]

        assert [answer.status_code for answer in answers] == [200, 400, 400]
