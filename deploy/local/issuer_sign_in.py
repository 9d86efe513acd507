"""Signing in at the local issuer: a page to choose a role, and the codes that services get tokens for.

Nobody is asked who he is: whoever reaches the loopback interface may choose any role, or be sent here with one chosen
already (`login_hint`, as in the links that `steward demo` prints).
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # it ships no types
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from deploy.local.issuer import as_held, in_words
from shared.clock import current_time
from shared.ids import CODE_PATTERN

CODES_LAST = timedelta(minutes=1)
_TEMPLATES = Path(__file__).parent / "templates"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_UNIT = re.compile(CODE_PATTERN)
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Given:
    """What a code stands for."""

    client: str
    redirect_uri: str
    challenge: str
    nonce: str
    held: str
    expires_at: datetime


class RoleChoice:
    """The authorization endpoint; its codes live in memory, for a minute and one use."""

    def __init__(self, address: str, services: Mapping[str, str]) -> None:
        self._address = address
        self._services = services
        self._codes: dict[str, Given] = {}

    async def authorize(self, request: Request) -> Response:
        """The page to choose a role at, or the way back with a code where the role is known."""
        asked = request.query_params
        client, redirect_uri = asked.get("client_id", ""), asked.get("redirect_uri", "")
        if client not in self._services or redirect_uri != f"{self._services[client]}/sign-in/callback":
            return _page("stranger.html", 400)
        if wrong := _wrong_with(asked):
            return self._back(redirect_uri, asked, error=wrong)
        form: Mapping[str, Any] = await request.form() if request.method == "POST" else {}
        hint = asked.get("login_hint", "") if request.method == "GET" else ""
        role, _, unit = (
            hint.partition("@") if hint else (str(form.get("role", "")), "", str(form.get("unit", "")).strip())
        )
        errors = _errors_of(role, unit)
        if errors:
            shown = errors if request.method == "POST" else {}
            return _page(
                "choose_role.html",
                422 if shown else 200,
                roles={each: in_words(each) for each in _roles()},
                service=client,
                role=role,
                unit=unit,
                errors=shown,
            )
        self._forget()
        code = secrets.token_urlsafe(32)
        self._codes[code] = Given(
            client,
            redirect_uri,
            asked["code_challenge"],
            asked["nonce"],
            as_held(role, unit or None),
            current_time() + CODES_LAST,
        )
        return self._back(redirect_uri, asked, code=code)

    def redeem(self, code: str, *, client: str, redirect_uri: str, verifier: str) -> Given | None:
        """What a code stands for, once, for the client that it was given to and that began with this verifier."""
        given = self._codes.pop(code, None)
        if given is None or given.expires_at <= current_time():
            return None
        challenge: str = create_s256_code_challenge(verifier)
        same = (given.client, given.redirect_uri) == (client, redirect_uri)
        return given if same and hmac.compare_digest(challenge, given.challenge) else None

    async def end_session(self, request: Request) -> Response:
        """The way back from signing out: nothing is kept here of who is signed in."""
        target = request.query_params.get("post_logout_redirect_uri", "")
        if target in [f"{address}/signed-out" for address in self._services.values()]:
            return RedirectResponse(target, 303)
        return _page("stranger.html", 400)

    def _back(self, redirect_uri: str, asked: Mapping[str, str], **told: str) -> Response:
        query = urlencode({**told, "state": asked.get("state", ""), "iss": self._address})
        return RedirectResponse(f"{redirect_uri}?{query}", 303, headers={"Cache-Control": "no-store"})

    def _forget(self) -> None:
        now = current_time()
        self._codes = {code: given for code, given in self._codes.items() if given.expires_at > now}


def _wrong_with(asked: Mapping[str, str]) -> str | None:
    """The error code for a request that no service of ours would send."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in asked.get("scope", "").split(" "):
        return "invalid_scope"
    proved = asked.get("code_challenge_method") == "S256" and _CHALLENGE.fullmatch(asked.get("code_challenge", ""))
    return None if proved and asked.get("nonce") else "invalid_request"


def _errors_of(role: str, unit: str) -> dict[str, str]:
    errors = {}
    if role not in _roles():
        errors["role"] = "Choose a role"
    if unit and not _UNIT.match(unit):
        errors["unit"] = "Enter the code of a unit, such as RF4: letters, digits, dots, hyphens and underscores"
    return errors


def _roles() -> list[str]:
    # Imported when somebody signs in: an issuer that only gives tokens needs nothing of the services.
    from deploy.local.roles import roles_of_people

    return roles_of_people()


def _page(template: str, status: int, **context: Any) -> HTMLResponse:
    from shared.ui.render import environment

    text = (_TEMPLATES / template).read_text()
    html = environment().from_string(text).render({"links": {}, **context})
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store", "Content-Security-Policy": _POLICY})
