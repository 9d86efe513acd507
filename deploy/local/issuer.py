"""The keys and tokens of one machine's issuer: any role for whoever may read its directory, so only for local runs.

`sign` makes a token for a person to try things with; deploy.local.issuer_app serves the rest.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from deploy.local.places import CannotRun, passwords_in, write_private
from deploy.postgres.bootstrap import SERVICES
from shared.clock import current_time
from shared.settings import ClaimRule, Issuer

AUDIENCE = "steward"
ALGORITHM = "ES256"
FOR_PEOPLE = timedelta(hours=24)
FOR_SERVICES = timedelta(hours=1)
FOR_PAGES = timedelta(minutes=10)
"""Short, so that sessions are renewed on one machine as they are with the issuers of others."""
FOR_SESSIONS = timedelta(hours=12)


def issuer_directory(data_directory: Path) -> Path:
    """Where the issuer of a data directory keeps its key, its address and the services' secrets."""
    return data_directory / "issuer"


def prepare(directory: Path, port: int) -> str:
    """Make the key and the secrets where they are missing, note the address, and give it back."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    if not _key_file(directory).exists():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        write_private(_key_file(directory), json.dumps(key.as_dict(private=True)))
    client_secrets(directory)
    address = f"http://127.0.0.1:{port}"
    write_private(directory / "address", address)
    return address


def client_secrets(directory: Path) -> dict[str, str]:
    """The client secret of each service, made once."""
    return passwords_in(directory, SERVICES)


def public_keys(directory: Path) -> dict[str, Any]:
    """The keys as the issuer publishes them."""
    return {"keys": [_key(directory).as_dict(private=False)]}


def sign_in_settings(address: str, service: str, secret: str) -> dict[str, Any]:
    """What the pages of a service need to know to have people sign in at this issuer, as STEWARD_SIGN_IN holds it."""
    return {
        "issuer": address,
        "client_id": service,
        "client_secret": secret,
        "algorithms": [ALGORITHM],
        "subject_is_login_hint": True,
    }


def settings_for(address: str, roles: Iterable[str]) -> Issuer:
    """What a service needs to know to trust this issuer, with a rule for each role, alone and with a unit."""
    rules = [ClaimRule(claim="roles", value=value, role=role) for role in roles for value in (role, f"{role}@{{unit}}")]
    return Issuer(
        issuer=address,
        jwks_url=f"{address}/jwks.json",
        audience=AUDIENCE,
        algorithms=[ALGORITHM],
        local=True,
        claims=rules,
    )


def sign(directory: Path, role: str, unit: str | None = None, lifetime: timedelta = FOR_PEOPLE) -> str:
    """An access token for a role, in one unit and those below it, or everywhere."""
    return _access(directory, held=as_held(role, unit), lifetime=lifetime)


def as_held(role: str, unit: str | None) -> str:
    """How a role and its unit are written in one word: `data_provider@RF4`."""
    return role if unit is None else f"{role}@{unit}"


def service_token(directory: Path, client: str) -> str:
    """An access token with which a service follows the others."""
    return _access(directory, held="follower", subject=client, lifetime=FOR_SERVICES, client_id=client)


def page_tokens(directory: Path, *, client: str, held: str, nonce: str | None) -> dict[str, Any]:
    """What the token endpoint answers to pages: access and refresh token, and with a nonce the ID token."""
    access = _access(directory, held=held, lifetime=FOR_PAGES, client_id=client)
    refresh = _signed(directory, "refresh+jwt", aud=client, sub=held, lifetime=FOR_SESSIONS, jti=str(uuid4()))
    told = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(FOR_PAGES.total_seconds()),
        "refresh_token": refresh,
    }
    if nonce is not None:
        told["id_token"] = _signed(
            directory,
            "JWT",
            aud=client,
            sub=held,
            lifetime=FOR_PAGES,
            nonce=nonce,
            at_hash=base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()[:16]).decode().rstrip("="),
            name=in_words(held),
        )
    return told


def in_words(held: str) -> str:
    """A role as people read it: `Data provider, RF4`."""
    role, _, unit = held.partition("@")
    return role.replace("_", " ").capitalize() + (f", {unit}" if unit else "")


def held_by_refresh_token(directory: Path, client: str, token: str) -> str | None:
    """What a refresh token of this client stands for; None where it is none, or too old."""
    try:
        decoded = jwt.decode(token, _key(directory), algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        return None
    claims = decoded.claims
    good = decoded.header.get("typ") == "refresh+jwt" and claims["aud"] == client
    return claims["sub"] if good and claims["exp"] > current_time().timestamp() else None


def _access(directory: Path, *, held: str, lifetime: timedelta, subject: str | None = None, **more: str) -> str:
    return _signed(
        directory,
        "at+jwt",
        aud=AUDIENCE,
        sub=subject or held,
        lifetime=lifetime,
        roles=[held],
        jti=str(uuid4()),
        **more,
    )


def _signed(directory: Path, typ: str, *, lifetime: timedelta, **claims: Any) -> str:
    key = _key(directory)
    now = int(current_time().timestamp())
    every = {
        "iss": (directory / "address").read_text(),
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        **claims,
    }
    return jwt.encode({"alg": ALGORITHM, "typ": typ, "kid": key.kid}, every, key)


def _key_file(directory: Path) -> Path:
    return directory / "key.json"


def _key(directory: Path) -> ECKey:
    try:
        return ECKey.import_key(json.loads(_key_file(directory).read_text()))
    except FileNotFoundError as error:
        raise CannotRun(f"There is no issuer in {directory}: start Steward with this data directory first.") from error
