"""Access tokens of the issuers in the settings: verified by their published keys, read by their claim map."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.clock import current_time
from shared.errors import Unavailable
from shared.http.auth import Grant, Identity, TokenRefused
from shared.http.client import fetch_json
from shared.ids import CODE_PATTERN
from shared.settings import ClaimRule, Issuer

log = structlog.get_logger()
LEEWAY = 30
"""Seconds by which clocks may differ."""
_KEYS_FRESH = 600.0
_KEYS_APART = 10.0
_LONGEST_TOKEN = 8192
_LONGEST_SUBJECT = 255
_ID_TOKEN_CLAIMS = ("nonce", "at_hash", "c_hash")
_ACCESS_TOKEN_CLAIMS = ("scp", "scope", "azp", "appid", "client_id")
_OWN_KEYS = ("jwk", "jku", "x5c", "x5u")
_CODE = re.compile(CODE_PATTERN)


class IssuerUnavailable(Unavailable):
    """The issuer of the token cannot be asked for its keys at the moment."""

    code = "issuer_unavailable"
    title = "Sign-in cannot be checked at the moment"


class Keys:
    """The published keys of one issuer, kept for ten minutes, asked for again where a token names an unknown one."""

    def __init__(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def holding(self, kid: str | None) -> KeySet:
        """The keys, fresh enough, and newer than the last time where `kid` is not among them."""
        if self._keys is None or self._age() > _KEYS_FRESH or not _has(self._keys, kid):
            async with self._lock:
                await self._renew(kid)
        if self._keys is None:
            raise IssuerUnavailable("The issuer's keys cannot be read now.")
        return self._keys

    async def _renew(self, kid: str | None) -> None:
        # Somebody else may have renewed while we waited; and made-up key ids must not make us hammer the issuer.
        if self._keys is not None and (
            self._age() < _KEYS_APART or (self._age() < _KEYS_FRESH and _has(self._keys, kid))
        ):
            return
        try:
            self._keys = KeySet.import_key_set(await self._fetch())
            self._fetched_at = time.monotonic()
        except Exception:
            # Old keys are better than none: an issuer that is down must not sign everybody out.
            log.warning("issuer_keys_unavailable", exc_info=True)

    def _age(self) -> float:
        return time.monotonic() - self._fetched_at


def _has(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(key.kid == kid for key in keys.keys)


class Verifier:
    """Says who a token is, or why it is not accepted."""

    def __init__(self, issuers: Sequence[Issuer], keys: Mapping[str, Any] | None = None) -> None:
        """`keys` gives an issuer's JWKS by hand instead of from its address."""
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._keys = {issuer.issuer: Keys(_source(issuer, keys or {})) for issuer in issuers}

    async def verify(self, token: str) -> Identity:
        """The identity behind a token; raises TokenRefused with the claim that is the reason."""
        if len(token) > _LONGEST_TOKEN:
            raise TokenRefused("The token is longer than any that this service accepts.")
        header, unverified = peek(token)
        issuer = self._issuers.get(str(unverified.get("iss")))
        if issuer is None:
            raise TokenRefused("Its issuer (iss) is not one that this service trusts.")
        _check_header(header, issuer)
        kid = header.get("kid")
        keys = await self._keys[issuer.issuer].holding(kid)
        if not isinstance(kid, str) or not _has(keys, kid):
            raise TokenRefused("It is signed with a key (kid) that its issuer does not publish.")
        try:
            claims = jwt.decode(token, keys, algorithms=list(issuer.algorithms)).claims
        except (JoseError, ValueError) as error:
            raise TokenRefused("Its signature is not good.") from error
        _check_claims(claims, issuer)
        return identity_from(claims, issuer)


def identity_from(claims: Mapping[str, Any], issuer: Issuer) -> Identity:
    """Who verified claims speak of, with the roles that the claim map reads out of them."""
    client = claims.get("client_id") or claims.get("azp")
    subject = claims.get(issuer.subject) or client
    if not isinstance(subject, str):
        raise TokenRefused(f"It names nobody: {issuer.subject} is missing.")
    if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused(f"Its {issuer.subject} is no name: up to {_LONGEST_SUBJECT} printable characters are.")
    return Identity(
        reference_to(issuer.issuer, subject),
        tuple(dict.fromkeys(grants_of(claims, issuer.claims))),
        issuer=issuer.issuer,
        subject=subject,
        kind="system" if _is_system(claims, client) else "person",
    )


def reference_to(issuer: str, subject: str) -> UUID:
    """The id of a principal, the same in every service, made from who it is at its issuer."""
    return uuid5(NAMESPACE_URL, f"{issuer} {subject}")


def _is_system(claims: Mapping[str, Any], client: Any) -> bool:
    """Whether a token was given to a client for itself: how RFC 9068, Entra ID and Keycloak show it, in this order."""
    return bool(
        claims.get("sub") in (None, client, claims.get("oid"))
        or claims.get("idtyp") == "app"
        # All of the name: where people may choose their own, one that only begins so makes nobody a system.
        or (client and str(claims.get("preferred_username", "")).lower() == f"service-account-{client}".lower())
    )


def _source(issuer: Issuer, given: Mapping[str, Any]) -> Callable[[], Awaitable[Any]]:
    async def fetch() -> Any:
        return given[issuer.issuer] if issuer.issuer in given else await fetch_json(issuer.jwks_url)

    return fetch


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims before anything is verified, only to choose the issuer whose rules then decide."""
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, RecursionError) as error:
        raise TokenRefused("It is not a signed JSON web token (three parts with dots between).") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRefused("Its header and claims are not JSON objects.")
    return header, claims


def _check_header(header: Mapping[str, Any], issuer: Issuer) -> None:
    if header.get("alg") not in issuer.algorithms:
        raise TokenRefused(f"Its algorithm (alg) is not one of {', '.join(issuer.algorithms)}.")
    if own := [name for name in _OWN_KEYS if name in header]:
        raise TokenRefused(f"It brings its own key ({own[0]}); only the keys that its issuer publishes count.")
    if "crit" in header or "b64" in header:
        raise TokenRefused("It demands extensions (crit) that this service does not know.")
    typ = str(header.get("typ", "")).lower().removeprefix("application/")
    if typ not in [accepted.lower() for accepted in issuer.typ]:
        raise TokenRefused(f"Its type (typ) is not {' or '.join(issuer.typ)}: an ID token does not open an API.")


def _check_claims(claims: Mapping[str, Any], issuer: Issuer) -> None:
    now = current_time().timestamp()
    audience = claims.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise TokenRefused(f"It is meant for another audience (aud), not for {issuer.audience}.")
    if any(name in claims for name in _ID_TOKEN_CLAIMS):
        raise TokenRefused("It is an ID token; an API takes the access token.")
    # Keycloak says in a claim what the token is for, whatever its header says: Bearer, ID, Refresh, Offline, Logout.
    if str(claims.get("typ", "Bearer")).lower() not in ("bearer", "at+jwt"):
        raise TokenRefused("It is no access token (typ), but one of another use.")
    if "at+jwt" not in issuer.typ and not any(name in claims for name in _ACCESS_TOKEN_CLAIMS):
        raise TokenRefused(
            "It is an ID token, as it names neither a scope nor a client; an API takes the access token."
        )
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        raise TokenRefused("It does not say when it expires (exp).")
    # Written so that NaN, which Python reads in JSON and which compares with nothing, is refused too.
    if not expires > now - LEEWAY:
        raise TokenRefused("It has expired (exp).")
    if not isinstance(begins, int | float) or not begins <= now + LEEWAY:
        raise TokenRefused("It is not valid yet (nbf).")


def grants_of(claims: Mapping[str, Any], rules: Sequence[ClaimRule]) -> Iterator[Grant]:
    """The roles that the claim map reads out of a token, each with its unit."""
    for rule in rules:
        for value in _values(_claim(claims, rule.claim)):
            if rule.value.endswith("@{unit}"):
                name, at, unit = value.partition("@")
                if at and name == rule.value.removesuffix("@{unit}") and _CODE.match(unit):
                    yield Grant(rule.role, unit)
            elif value == rule.value:
                yield Grant(rule.role, rule.unit)


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at a path; a name may itself hold dots, as `https://body.example/roles` does."""
    if path in claims:
        return claims[path]
    for dot in (place for place, letter in enumerate(path) if letter == "."):
        inner = claims.get(path[:dot])
        if isinstance(inner, Mapping) and (found := _claim(inner, path[dot + 1 :])) is not None:
            return found
    return None


def _values(claim: Any) -> list[str]:
    if isinstance(claim, str):
        return claim.split(" ")
    return [value for value in claim if isinstance(value, str)] if isinstance(claim, list) else []
