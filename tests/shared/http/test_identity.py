"""Which tokens open a door, for which units, and why the others do not."""

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import SecretStr, ValidationError

from deploy.local.issuer import prepare, public_keys, settings_for, sign
from shared.clock import current_time
from shared.http.auth import Grant, Identity, TokenRefused, UnitScope, scope_for
from shared.http.tokens import IssuerUnavailable, Keys, Verifier, grants_of
from shared.settings import ClaimRule, Issuer, ServiceSettings, UnsafeSettings
from tests.shared.http.conftest import Token
from tests.shared.http.test_problems import problem

Made = Callable[..., str]


@pytest.fixture
def key(issuer_directory: Path) -> ECKey:
    """The issuer's private key."""
    return ECKey.import_key(json.loads((issuer_directory / "key.json").read_text()))


@pytest.fixture
def made(issuer_directory: Path, key: ECKey) -> Made:
    """A token of the issuer, with changes to its claims and header."""

    def make(header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(current_time().timestamp())
        good = {
            "iss": (issuer_directory / "address").read_text(),
            "aud": "steward",
            "sub": "ada",
            "exp": now + 60,
            "roles": ["writer"],
        }
        kept = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {}), kept, key)

    return make


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def unsigned(token: str, alg: str) -> str:
    """The token's claims under another header, without a signature."""
    header = _encoded(json.dumps({"alg": alg, "typ": "at+jwt"}).encode())
    return f"{header}.{token.split('.')[1]}."


async def refused(client: httpx.AsyncClient, token: str) -> str:
    """Why the token is refused."""
    answer = await client.get("/v1/things", headers={"Authorization": f"Bearer {token}"})
    told = problem(answer, 401, "token_refused")
    assert told["retry"] == "after_login"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    detail: str = told["detail"]
    return detail


class TestTokens:
    async def test_a_good_one_opens_the_door(self, client: httpx.AsyncClient, made: Made) -> None:
        answer = await client.get("/v1/things", headers={"Authorization": f"Bearer {made()}"})

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"exp": 1}, "(exp)"),
            ({"exp": None}, "(exp)"),
            ({"nbf": 9_999_999_999}, "(nbf)"),
            ({"aud": "payroll"}, "(aud)"),
            ({"aud": None}, "(aud)"),
            ({"iss": "https://elsewhere.test"}, "(iss)"),
            ({"sub": None}, "sub"),
            ({"nonce": "n-1"}, "ID token"),
        ],
    )
    async def test_each_bad_claim_is_the_reason_given(
        self, client: httpx.AsyncClient, made: Made, claims: dict[str, Any], reason: str
    ) -> None:
        assert reason in await refused(client, made(**claims))

    @pytest.mark.parametrize("typ", ["JWT", "id+jwt", ""])
    async def test_another_type_is_refused(self, client: httpx.AsyncClient, made: Made, typ: str) -> None:
        assert "(typ)" in await refused(client, made({"typ": typ}))

    async def test_an_unknown_key_is_refused(self, client: httpx.AsyncClient, made: Made) -> None:
        assert "(kid)" in await refused(client, made({"kid": "another"}))

    async def test_a_key_of_the_same_name_but_not_the_issuers_is_refused(
        self, client: httpx.AsyncClient, key: ECKey, made: Made
    ) -> None:
        stranger = ECKey.generate_key("P-256")
        claims = json.loads(base64.urlsafe_b64decode(made().split(".")[1] + "=="))
        token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, stranger)

        assert "signature" in await refused(client, token)

    @pytest.mark.parametrize("alg", ["none", "None", "HS256"])
    async def test_no_algorithm_without_the_issuers_key_is_taken(
        self, client: httpx.AsyncClient, made: Made, alg: str
    ) -> None:
        assert "(alg)" in await refused(client, unsigned(made(), alg))

    async def test_the_public_key_is_no_shared_secret(self, client: httpx.AsyncClient, key: ECKey, made: Made) -> None:
        public = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        header = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}
        signed = f"{_encoded(json.dumps(header).encode())}.{made().split('.')[1]}"
        signature = hmac.digest(public, signed.encode(), "sha256")
        token = f"{signed}.{_encoded(signature)}"

        assert "(alg)" in await refused(client, token)

    @pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "e30.W10.x", "." * 2, "x" * 9000, "W10.e30.x"])
    async def test_what_is_no_token_is_refused(self, client: httpx.AsyncClient, token: str) -> None:
        await refused(client, token)

    async def test_none_at_all_is_not_signed_in(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/v1/things")

        problem(answer, 401, "not_signed_in")
        assert answer.headers["www-authenticate"] == 'Bearer realm="steward"'

    async def test_a_role_without_the_permission_is_forbidden(self, client: httpx.AsyncClient, bearer: Token) -> None:
        answer = await client.post("/v1/things", json={"code": "A"}, headers=bearer("reader"))

        assert "things:write" in problem(answer, 403, "forbidden")["detail"]

    async def test_each_refusal_is_logged_with_its_reason_and_without_the_token(
        self, client: httpx.AsyncClient, made: Made, capsys: pytest.CaptureFixture[str]
    ) -> None:
        expired, reader = made(exp=1), made(sub="ada.example", roles=["reader"])
        await refused(client, expired)
        await client.post("/v1/things", json={"code": "A"}, headers={"Authorization": f"Bearer {reader}"})

        output = capsys.readouterr().out
        told = [line for line in map(json.loads, output.splitlines()) if line["event"].endswith("_refused")]
        assert [(line["event"], line.get("reason", line.get("permission"))) for line in told] == [
            ("token_refused", "It has expired (exp)."),
            ("access_refused", "things:write"),
        ]
        assert "ada.example" not in output
        assert not any(token.split(".")[part] in output for token in (expired, reader) for part in (1, 2))

    async def test_the_caller_is_named_by_a_reference_that_stays(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        for code in ("A", "B"):
            await client.post("/v1/things", json={"code": code}, headers=bearer("writer"))

        (_, first), (_, second) = tiny.state.made
        assert first == second
        assert "writer" not in first


class TestKeys:
    async def test_a_new_key_of_the_issuer_is_fetched_once_it_is_seen(
        self, issuer_directory: Path, tmp_path: Path
    ) -> None:
        prepare(tmp_path, 1)
        published = [public_keys(issuer_directory)]
        keys = Keys(lambda: _given(published[-1]))
        await keys.holding(None)
        published.append({"keys": [*public_keys(issuer_directory)["keys"], *public_keys(tmp_path)["keys"]]})
        new = public_keys(tmp_path)["keys"][0]["kid"]

        assert new not in [key.kid for key in (await keys.holding(new)).keys], "asked again too soon"
        keys._fetched_at -= 11
        assert new in [key.kid for key in (await keys.holding(new)).keys]

    async def test_an_issuer_that_is_down_signs_nobody_out(self, issuer_directory: Path) -> None:
        answers: list[Any] = [public_keys(issuer_directory)]
        keys = Keys(lambda: _given(answers.pop()))
        await keys.holding(None)
        keys._fetched_at -= 601

        assert (await keys.holding(None)).keys

    async def test_without_any_keys_the_door_is_closed_for_now(self, issuer_directory: Path) -> None:
        verifier = Verifier([settings_for((issuer_directory / "address").read_text(), ["writer"])])

        with pytest.raises(IssuerUnavailable):
            await verifier.verify(sign(issuer_directory, "writer"))


async def _given(value: Any) -> Any:
    return value


class TestClaimMap:
    RULES = (
        ClaimRule(claim="roles", value="writer", role="writer"),
        ClaimRule(claim="roles", value="writer@{unit}", role="writer"),
        ClaimRule(claim="scope", value="steward.audit", role="auditor", unit="RF4"),
    )

    @pytest.mark.parametrize(
        ("claims", "grants"),
        [
            ({"roles": ["writer"]}, {Grant("writer")}),
            ({"roles": ["writer@RF4", "writer@RJ1"]}, {Grant("writer", "RF4"), Grant("writer", "RJ1")}),
            ({"scope": "openid steward.audit"}, {Grant("auditor", "RF4")}),
            ({"roles": ["writer@", "writer@a b", "writers", "Writer", 7]}, set()),
            ({"roles": {"writer": True}}, set()),
            ({}, set()),
        ],
    )
    def test_it_gives_roles_with_their_units(self, claims: dict[str, Any], grants: set[Grant]) -> None:
        assert set(grants_of(claims, self.RULES)) == grants

    async def test_a_token_for_a_unit_gives_a_scope_of_that_unit(self, issuer_directory: Path) -> None:
        issuer = settings_for((issuer_directory / "address").read_text(), ["writer"])
        identity = await Verifier([issuer], {issuer.issuer: public_keys(issuer_directory)}).verify(
            sign(issuer_directory, "writer", "RF4")
        )

        assert scope_for(identity, "w", {"writer": frozenset({"w"})}) == UnitScope(codes=frozenset({"RF4"}))

    def test_a_role_for_the_root_reaches_everywhere(self) -> None:
        identity = Identity(UUID(int=1), (Grant("writer", "RF4"), Grant("writer")))

        assert scope_for(identity, "w", {"writer": frozenset({"w"})}) == UnitScope(everywhere=True)


class TestSettings:
    def test_a_local_issuer_is_refused_outside_a_local_run(self) -> None:
        settings = ServiceSettings(
            env="production", database_url=SecretStr("postgresql://x"), issuers=[settings_for("http://i", [])]
        )

        with pytest.raises(UnsafeSettings, match="local issuer"):
            settings.refuse_unsafe()

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_an_algorithm_without_a_public_key_cannot_be_set(self, algorithm: str) -> None:
        with pytest.raises(ValidationError):
            Issuer.model_validate({"issuer": "i", "jwks_url": "j", "audience": "a", "algorithms": [algorithm]})

    async def test_the_reason_is_an_error_of_its_own(self, issuer_directory: Path) -> None:
        with pytest.raises(TokenRefused):
            await Verifier([]).verify(sign(issuer_directory, "writer"))
