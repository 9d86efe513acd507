"""The issuer as the pages of one service speak with it: OpenID Connect, code flow with PKCE."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]  # it ships no types
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # as above
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # as above
from joserfc import jwt
from joserfc.errors import JoseError

from shared.http.auth import TokenRefused
from shared.http.client import fetch_json, send_form
from shared.http.sign_in.errors import NoSignIn, SignInFailed
from shared.http.tokens import LEEWAY, Keys, peek
from shared.settings import SignInSettings

log = structlog.get_logger()
LONGEST_NAME = 200
_NAMES = ("name", "preferred_username", "nickname")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the issuer gives for a code, or later for a refresh token."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    """Empty where it gives none: then the session ends with the access token."""
    id: str = field(repr=False)
    ends_at: datetime


class Provider:
    """One issuer, its addresses read once from its discovery document where the settings leave them out."""

    def __init__(self, settings: SignInSettings, own_address: str) -> None:
        self.settings = settings
        parts = urlsplit(own_address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.callback = f"{own_address}/sign-in/callback"
        self._signed_out = f"{own_address}/signed-out"
        self._known: Mapping[str, Any] | None = None
        self._asking = asyncio.Lock()
        self._keys = Keys(self._fetch_keys)

    async def authorize_url(self, *, state: str, nonce: str, verifier: str, login_hint: str | None) -> str:
        """Where a browser is sent to sign in."""
        url: str = prepare_grant_uri(
            await self._address(self.settings.authorize_url, "authorization_endpoint"),
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=self.callback,
            scope=self.settings.scope,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            login_hint=login_hint,
        )
        return url

    async def redeem(self, code: str, *, nonce: str, verifier: str, now: datetime) -> tuple[Tokens, str | None]:
        """The tokens for a code, and what the issuer calls the person, once the ID token has been found good."""
        told = await self._ask(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.callback,
                "code_verifier": verifier,
            }
        )
        tokens = _tokens(told, now)
        claims = await self._checked(tokens, nonce, now)
        name = next((str(claims[claim]).strip() for claim in _NAMES if claims.get(claim)), "")
        return tokens, name[:LONGEST_NAME] or None

    async def refresh(self, refresh_token: str, now: datetime) -> Tokens:
        """New tokens for a session that goes on; issuers may leave out what has not changed."""
        told = await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})
        return _tokens({"refresh_token": refresh_token, "id_token": "", **told}, now)

    async def end_session_url(self, id_token: str) -> str | None:
        """Where a browser signs out at the issuer too; None where that has no such page."""
        try:
            address = await self._address(self.settings.end_session_url, "end_session_endpoint")
        except NoSignIn:
            return None
        hint = {"id_token_hint": id_token} if id_token else {}
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": self._signed_out, **hint}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    async def _ask(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """What the token endpoint answers; SignInFailed where it refuses, NoSignIn where it cannot be asked."""
        secret = self.settings.client_secret
        who = {"client_id": self.settings.client_id} | (
            {"client_secret": secret.get_secret_value()} if secret is not None else {}
        )
        address = await self._address(self.settings.token_url, "token_endpoint")
        try:
            status, told = await send_form(address, {**form, **who})
        except (httpx.HTTPError, ValueError) as error:
            raise NoSignIn("The issuer does not answer as it should.") from error
        if status >= 500 or not isinstance(told, dict):
            raise NoSignIn("The issuer does not answer as it should.")
        if status != 200 or not isinstance(told.get("access_token"), str):
            log.warning("sign_in_refused", status=status)
            raise SignInFailed("The issuer does not accept what it was sent: begin again.")
        return told

    async def _checked(self, tokens: Tokens, nonce: str, now: datetime) -> CodeIDToken:
        """The claims of an ID token that is of this issuer, for this client and for this sign-in."""
        try:
            kid = peek(tokens.id)[0].get("kid")
            keys = await self._keys.holding(kid if isinstance(kid, str) else None)
            decoded = jwt.decode(tokens.id, keys, algorithms=list(self.settings.algorithms))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                params={"nonce": nonce, "client_id": self.settings.client_id, "access_token": tokens.access},
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        except (TokenRefused, JoseError, ValueError, TypeError) as error:
            log.warning("id_token_refused", reason=type(error).__name__)
            raise SignInFailed("The issuer's ID token is not one for this sign-in: begin again.") from error
        return claims

    async def _fetch_keys(self) -> Any:
        return await fetch_json(await self._address(self.settings.jwks_url, "jwks_uri"))

    async def _address(self, given: str | None, name: str) -> str:
        address = given or (await self._discovered()).get(name)
        if not isinstance(address, str):
            raise NoSignIn(f"The issuer names no {name}.")
        return address

    async def _discovered(self) -> Mapping[str, Any]:
        async with self._asking:
            if self._known is None:
                try:
                    known = await fetch_json(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                except (httpx.HTTPError, ValueError) as error:
                    raise NoSignIn("The issuer cannot be asked for its addresses now.") from error
                if not isinstance(known, dict) or known.get("issuer") != self.settings.issuer:
                    raise NoSignIn("The issuer's discovery document is not its own.")
                self._known = known
            return self._known


def _tokens(told: Mapping[str, Any], now: datetime) -> Tokens:
    """The answer of a token endpoint; without `expires_in`, which is optional, the access token says it itself."""
    access = told["access_token"]
    lasts = told.get("expires_in")
    try:
        ends_at = (
            now + timedelta(seconds=float(lasts))
            if lasts is not None
            else datetime.fromtimestamp(float(peek(access)[1]["exp"]), UTC)
        )
        return Tokens(access, str(told.get("refresh_token") or ""), str(told["id_token"]), ends_at)
    except (TokenRefused, KeyError, TypeError, ValueError, OverflowError) as error:
        raise SignInFailed("The issuer's answer lacks the ID token, or when its tokens end: begin again.") from error
