"""What a cookie holds is kept nowhere: only what is derived from it, each for one purpose."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode

from fastapi import Request
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.responses import Response

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
_SEALING = {"alg": "dir", "enc": "A256GCM"}


def new_secret() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What finds the row of a secret, and does not give it back."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_token(secret: str) -> str:
    """What a form of this session carries to show that a page of this session made it."""
    return urlsafe_b64encode(_derived(secret, b"form")).decode().rstrip("=")


def seal(secret: str, text: str) -> str:
    """The text, readable again with the secret alone: whoever reads the database signs in as nobody."""
    return jwe.encrypt_compact(_SEALING, text, OctKey.import_key(_derived(secret, b"seal")))


def unseal(secret: str, sealed: str) -> str:
    """What was sealed with this secret; empty where it was sealed otherwise."""
    try:
        opened = jwe.decrypt_compact(sealed, OctKey.import_key(_derived(secret, b"seal"))).plaintext or b""
    except (JoseError, ValueError):
        return ""
    return opened.decode()


def _derived(secret: str, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), purpose, "sha256")


def session_cookie(request: Request) -> str:
    """The name of the cookie of those signed in: one for each service, because cookies know no port."""
    return f"__Host-steward-{request.app.state.name}"


def browser_cookie(request: Request) -> str:
    """The name of the cookie of a browser that is on its way to the issuer and back."""
    return f"{session_cookie(request)}-sign-in"


def secret_in(request: Request, cookie: str) -> str | None:
    """What the cookie holds, where that has the shape of a secret of ours."""
    value = request.cookies.get(cookie, "")
    return value if _SHAPE.fullmatch(value) else None


def give(response: Response, cookie: str, secret: str, *, seconds: int | None = None) -> None:
    """Set the cookie: for this host alone, out of reach of scripts, not sent along by the forms of others."""
    response.set_cookie(cookie, secret, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def take_back(response: Response, cookie: str) -> None:
    """Delete the cookie."""
    response.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="lax")
