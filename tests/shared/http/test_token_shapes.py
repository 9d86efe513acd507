"""Tokens as Entra ID and Keycloak make them open a door by settings alone; tokens made to fool a verifier open none."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from shared.clock import current_time
from shared.http.auth import Grant, Identity, TokenRefused
from shared.http.tokens import Verifier
from shared.settings import Issuer

KEY = RSAKey.generate_key(2048, {"use": "sig", "kid": "2026-a"})
TENANT = "https://login.microsoftonline.com/8f1c0a52-6d2e-4b0e-9d1a-3f5b7c9e1a20/v2.0"
REALM = "https://sign-in.body.example/realms/staff"
API = "2b9e6c1f-0d3a-4f5e-8a7b-6c5d4e3f2a1b"

ENTRA = Issuer.model_validate(
    {
        "issuer": TENANT,
        "jwks_url": f"{TENANT}/keys",
        "audience": API,
        "algorithms": ["RS256"],
        "typ": ["JWT"],
        "subject": "oid",
        "claims": [
            {"claim": "roles", "value": "Steward.Officer", "role": "performance_officer"},
            {"claim": "roles", "value": "Steward.Follower", "role": "follower"},
            {"claim": "groups", "value": "5f0d6a3e-1111-4222-8333-944445555666", "role": "analyst", "unit": "RF4"},
            {"claim": "scp", "value": "Steward.Audit", "role": "auditor"},
        ],
    }
)
KEYCLOAK = Issuer.model_validate(
    {
        "issuer": REALM,
        "jwks_url": f"{REALM}/protocol/openid-connect/certs",
        "audience": "steward",
        "algorithms": ["RS256"],
        "typ": ["JWT", "at+jwt"],
        "claims": [
            {"claim": "realm_access.roles", "value": "steward-analyst", "role": "analyst"},
            {"claim": "resource_access.steward.roles", "value": "data_provider@{unit}", "role": "data_provider"},
            {"claim": "https://body.example/roles", "value": "auditor", "role": "auditor"},
        ],
    }
)
PUBLISHED = {"keys": [KEY.as_dict(private=False)]}
VERIFIER = Verifier([ENTRA, KEYCLOAK], {TENANT: PUBLISHED, REALM: PUBLISHED})


def entra(**changes: Any) -> dict[str, Any]:
    """The claims of an access token (v2.0) that a person got through an app."""
    now = int(current_time().timestamp())
    return {
        "aud": API,
        "iss": TENANT,
        "iat": now,
        "nbf": now,
        "exp": now + 4000,
        "aio": "AVQAq/8VAAAA",
        "azp": "0a1b2c3d-4e5f-4061-8273-94a5b6c7d8e9",
        "azpacr": "1",
        "name": "Ada Example",
        "preferred_username": "ada@body.example",
        "oid": "6d3f0c9b-2a4e-4c1d-b8f7-0e9d8c7b6a51",
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "tid": "8f1c0a52-6d2e-4b0e-9d1a-3f5b7c9e1a20",
        "uti": "kS0rJx3DkUm8",
        "ver": "2.0",
        "scp": "Steward.Audit openid",
        "roles": ["Steward.Officer"],
        "groups": ["5f0d6a3e-1111-4222-8333-944445555666"],
        **changes,
    }


def keycloak(**changes: Any) -> dict[str, Any]:
    """The claims of an access token that Keycloak gave to a person."""
    now = int(current_time().timestamp())
    return {
        "exp": now + 300,
        "iat": now,
        "jti": "onrtac:0f2e9a4c",
        "iss": REALM,
        "aud": ["steward", "account"],
        "sub": "5c1f6f0e-7a52-4a86-9a3e-8f1f8c8f7a10",
        "typ": "Bearer",
        "azp": "dashboard",
        "sid": "e7c9",
        "realm_access": {"roles": ["offline_access", "steward-analyst"]},
        "resource_access": {"steward": {"roles": ["data_provider@RF4"]}, "account": {"roles": ["view-profile"]}},
        "scope": "openid email profile",
        "preferred_username": "ada",
        **changes,
    }


def without(claims: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


def signed(claims: dict[str, Any], **header: Any) -> str:
    """A token with a good signature, whatever its header says."""
    parts = [{"typ": "JWT", "alg": "RS256", "kid": "2026-a", **header}, claims]
    text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    assert KEY.private_key
    return f"{text}.{_encoded(KEY.private_key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


async def identity(claims: dict[str, Any], **header: Any) -> Identity:
    return await VERIFIER.verify(signed(claims, **header))


class TestEntra:
    async def test_roles_groups_and_scopes_of_a_person(self) -> None:
        ada = await identity(entra())

        assert set(ada.grants) == {Grant("performance_officer"), Grant("analyst", "RF4"), Grant("auditor")}
        assert (ada.kind, ada.subject) == ("person", "6d3f0c9b-2a4e-4c1d-b8f7-0e9d8c7b6a51")

    async def test_a_person_is_the_same_through_another_app(self) -> None:
        there = await identity(entra(azp="11111111-2222-4333-8444-555555555555", sub="BBBBBBBBBBBBBBBB"))

        assert there.reference == (await identity(entra())).reference

    async def test_an_app_of_its_own_is_a_system(self) -> None:
        oid = "9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d"
        app = await identity(without(entra(oid=oid, sub=oid, roles=["Steward.Follower"]), "scp", "groups", "name"))

        assert (app.kind, app.grants) == ("system", (Grant("follower"),))

    async def test_another_tenant_is_another_issuer(self) -> None:
        with pytest.raises(TokenRefused, match=r"\(iss\)"):
            await identity(entra(iss=TENANT.replace("8f1c0a52", "00000000")))

    async def test_an_id_token_for_the_same_application_is_refused(self) -> None:
        with pytest.raises(TokenRefused, match="ID token"):
            await identity(without(entra(), "scp", "azp", "azpacr"))


class TestKeycloak:
    @pytest.mark.parametrize("typ", ["JWT", "at+jwt"])
    async def test_roles_of_realm_and_client(self, typ: str) -> None:
        ada = await identity(keycloak(), typ=typ)

        assert (ada.kind, set(ada.grants)) == ("person", {Grant("analyst"), Grant("data_provider", "RF4")})

    async def test_the_roles_of_another_client_do_not_count(self) -> None:
        other = keycloak(resource_access={"payroll": {"roles": ["data_provider@RF4"]}})

        assert set((await identity(other)).grants) == {Grant("analyst")}

    async def test_a_claim_whose_name_holds_dots(self) -> None:
        named = keycloak(**{"https://body.example/roles": ["auditor"]})

        assert Grant("auditor") in (await identity(named)).grants

    @pytest.mark.parametrize("access", [None, [], "roles", {"roles": {"steward-analyst": True}}, {"roles": None}])
    async def test_a_claim_of_another_shape_gives_nothing(self, access: Any) -> None:
        assert (await identity(keycloak(realm_access=access, resource_access={}))).grants == ()

    async def test_a_service_account_is_a_system(self) -> None:
        account = keycloak(preferred_username="service-account-warehouse", client_id="warehouse", azp="warehouse")

        assert (await identity(account)).kind == "system"

    async def test_a_person_who_chose_such_a_name_stays_a_person(self) -> None:
        assert (await identity(keycloak(preferred_username="service-account-ada"))).kind == "person"
        without_client = keycloak(preferred_username="service-account-none", azp=None)
        assert (await identity(without_client)).kind == "person"

    @pytest.mark.parametrize("typ", ["ID", "Refresh", "Offline", "Logout"])
    async def test_a_token_of_another_use_is_refused(self, typ: str) -> None:
        with pytest.raises(TokenRefused, match="access token"):
            await identity(keycloak(typ=typ))

    async def test_without_an_audience_mapper_the_audience_is_the_reason(self) -> None:
        with pytest.raises(TokenRefused, match=r"\(aud\)"):
            await identity(keycloak(aud="account"))


class TestForged:
    @pytest.mark.parametrize(
        ("header", "reason"),
        [
            ({"jwk": KEY.as_dict(private=False)}, r"own key \(jwk\)"),
            ({"jku": "https://evil.example/keys"}, r"own key \(jku\)"),
            ({"x5u": "https://evil.example/chain"}, r"own key \(x5u\)"),
            ({"x5c": ["MIIB"]}, r"own key \(x5c\)"),
            ({"crit": ["exp"], "exp": 1}, r"\(crit\)"),
            ({"crit": ["b64"], "b64": False}, r"\(crit\)"),
            ({"alg": "HS256"}, r"\(alg\)"),
            ({"alg": "none"}, r"\(alg\)"),
            ({"alg": "RS512"}, r"\(alg\)"),
            ({"alg": ["RS256"]}, r"\(alg\)"),
            ({"kid": "2026-b"}, r"\(kid\)"),
            ({"kid": None}, r"\(kid\)"),
            ({"kid": ["2026-a"]}, r"\(kid\)"),
            ({"kid": "../../dev/null"}, r"\(kid\)"),
            ({"typ": ["JWT"]}, r"\(typ\)"),
        ],
        ids=repr,
    )
    async def test_a_good_signature_does_not_help_a_bad_header(self, header: dict[str, Any], reason: str) -> None:
        with pytest.raises(TokenRefused, match=reason):
            await identity(entra(), **header)

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"oid": "x" * 256}, "no name"),
            ({"oid": "ada\u0000"}, "no name"),
            ({"oid": {"id": 1}}, "names nobody"),
            ({"exp": True}, r"\(exp\)"),
            ({"exp": "9999999999"}, r"\(exp\)"),
            ({"exp": float("nan")}, r"\(exp\)"),
            ({"nbf": "now"}, r"\(nbf\)"),
            ({"aud": {API: True}}, r"\(aud\)"),
            ({"aud": 7}, r"\(aud\)"),
            ({"iss": [TENANT]}, r"\(iss\)"),
        ],
        ids=repr,
    )
    async def test_nor_do_claims_of_another_kind(self, claims: dict[str, Any], reason: str) -> None:
        with pytest.raises(TokenRefused, match=reason):
            await identity(entra(**claims))
