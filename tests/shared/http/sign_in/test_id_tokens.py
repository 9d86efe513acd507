"""Only an ID token of this issuer, for this client and this sign-in, signs anybody in."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from deploy.local.issuer import page_tokens
from shared.http.client import send_form
from tests.fixtures.signing_in import Browser, LocalIssuer
from tests.shared.http.sign_in.test_flow import COOKIE

Change = Callable[[dict[str, Any]], object]
STRANGER = ECKey.generate_key("P-256", {"kid": "stranger"})


def key_of(directory: Path) -> ECKey:
    """The issuer's own key."""
    return ECKey.import_key(json.loads((directory / "key.json").read_text()))


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch, local_issuer: LocalIssuer) -> Callable[[Change, Any, str], None]:
    """`spoilt(change, key, algorithm)`: from now on the ID tokens have changed claims, or another signature."""

    def start(change: Change, key: Any, algorithm: str) -> None:
        async def send(url: str, form: Mapping[str, str]) -> tuple[int, Any]:
            status, told = await send_form(url, form)
            own = key_of(local_issuer.directory)
            claims = jwt.decode(told["id_token"], own).claims
            change(claims)
            header = {"alg": algorithm, "kid": own.kid if key is None else key.kid or own.kid}
            told["id_token"] = jwt.encode(header, claims, key or own, algorithms=[algorithm])
            return status, told

        monkeypatch.setattr("shared.http.sign_in.provider.send_form", send)

    return start


FAULTS: dict[str, Change] = {
    "another issuer": lambda claims: claims.update(iss="https://evil.example"),
    "another client": lambda claims: claims.update(aud="goals"),
    "several audiences and no authorized party": lambda claims: claims.update(aud=["reporting", "goals"]),
    "another authorized party": lambda claims: claims.update(azp="goals"),
    "another sign-in's nonce": lambda claims: claims.update(nonce="A" * 43),
    "no nonce": lambda claims: claims.pop("nonce"),
    "expired": lambda claims: claims.update(exp=claims["iat"] - 60),
    "no end": lambda claims: claims.pop("exp"),
    "not valid yet": lambda claims: claims.update(nbf=claims["iat"] + 3600),
    "another access token's hash": lambda claims: claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "nobody": lambda claims: claims.pop("sub"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_with_a_wrong_claim_is_refused(fault: str, spoilt: Callable[..., None], browser: Browser) -> None:
    spoilt(FAULTS[fault], None, "ES256")

    answer = await browser.get(await browser.leave("auditor"))

    assert answer.status_code == 400
    assert "ID token" in answer.text
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(STRANGER, "ES256"), (OctKey.import_key("k" * 32), "HS256")],
    ids=["a stranger's key", "a shared secret"],
)
async def test_one_with_a_wrong_signature_is_refused(
    key: Any, algorithm: str, spoilt: Callable[..., None], browser: Browser
) -> None:
    spoilt(lambda claims: None, key, algorithm)

    assert (await browser.get(await browser.leave("auditor"))).status_code == 400
    assert COOKIE not in browser.cookies


async def test_one_that_is_only_signed_anew_is_taken(spoilt: Callable[..., None], browser: Browser) -> None:
    spoilt(lambda claims: None, None, "ES256")

    assert await browser.sign_in("auditor") == "/scorecards"


async def test_an_access_token_for_another_audience_is_refused(
    monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.setattr("deploy.local.issuer.AUDIENCE", "somebody-else")

    answer = await browser.get(await browser.leave("auditor"))

    assert answer.status_code == 400
    assert "another audience" in answer.text


def test_the_access_token_and_the_refresh_token_of_a_session_are_none(local_issuer: LocalIssuer) -> None:
    told = page_tokens(local_issuer.directory, client="reporting", held="auditor", nonce="n")

    kinds = {
        name: jwt.decode(told[name], key_of(local_issuer.directory)).header["typ"]
        for name in told
        if "token" in name and name != "token_type"
    }

    assert kinds == {"access_token": "at+jwt", "refresh_token": "refresh+jwt", "id_token": "JWT"}
    assert told["expires_in"] < timedelta(hours=1).total_seconds()
