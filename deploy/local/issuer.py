"""The issuer of tokens on one machine: it gives any role to whoever may read its directory, so only for local runs.

`python -m deploy.local.issuer --port 8100 --directory .steward/data/issuer` serves the keys and, to the three services,
tokens by client credentials; `sign` makes a token for a person to try things with.
"""

import argparse
import base64
import binascii
import hmac
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deploy.local.places import CannotRun, passwords_in, write_private
from deploy.postgres.bootstrap import SERVICES
from shared.clock import current_time
from shared.settings import ClaimRule, Issuer

AUDIENCE = "steward"
ALGORITHM = "ES256"
FOR_PEOPLE = timedelta(hours=24)
FOR_SERVICES = timedelta(hours=1)


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
    held = role if unit is None else f"{role}@{unit}"
    return _signed(directory, subject=held, roles=[held], lifetime=lifetime)


def _signed(directory: Path, *, subject: str, roles: list[str], lifetime: timedelta, **more: str) -> str:
    key = _key(directory)
    now = int(current_time().timestamp())
    claims = {
        "iss": (directory / "address").read_text(),
        "aud": AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": str(uuid4()),
        "roles": roles,
        **more,
    }
    return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}, claims, key)


def _key_file(directory: Path) -> Path:
    return directory / "key.json"


def _key(directory: Path) -> ECKey:
    try:
        return ECKey.import_key(json.loads(_key_file(directory).read_text()))
    except FileNotFoundError as error:
        raise CannotRun(f"There is no issuer in {directory}: start Steward with this data directory first.") from error


def create_issuer(directory: Path) -> Starlette:
    """The issuer as an application; `prepare` has been called."""
    address = (directory / "address").read_text()
    keys = public_keys(directory)

    async def discovery(_request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": address,
                "jwks_uri": f"{address}/jwks.json",
                "token_endpoint": f"{address}/token",
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "response_types_supported": [],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        )

    async def jwks(_request: Request) -> JSONResponse:
        return JSONResponse(keys, headers={"Cache-Control": "public, max-age=60"})

    async def token(request: Request) -> JSONResponse:
        form = await request.form()
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "Only client_credentials is given here.")
        client, secret = _credentials(request, str(form.get("client_id", "")), str(form.get("client_secret", "")))
        expected = client_secrets(directory).get(client, "")
        if not expected or not hmac.compare_digest(expected.encode(), secret.encode()):
            return _refused(401, "invalid_client", "No such client, or another secret.")
        access = _signed(directory, subject=client, roles=["follower"], lifetime=FOR_SERVICES, client_id=client)
        return JSONResponse(
            {"access_token": access, "token_type": "Bearer", "expires_in": int(FOR_SERVICES.total_seconds())},
            headers={"Cache-Control": "no-store"},
        )

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/jwks.json", jwks),
            Route("/token", token, methods=["POST"]),
        ]
    )


def _credentials(request: Request, client: str, secret: str) -> tuple[str, str]:
    """Who asks: from the form, or from the Basic header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return client, secret
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _refused(status: int, error: str, description: str) -> JSONResponse:
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Basic"} if status == 401 else {})
    return JSONResponse({"error": error, "error_description": description}, status, headers=headers)


def main() -> None:
    """Serve the issuer on the loopback interface until it is told to stop."""
    parser = argparse.ArgumentParser(description="Issue tokens for a local Steward.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    arguments = parser.parse_args()
    prepare(arguments.directory, arguments.port)
    application = create_issuer(arguments.directory)
    uvicorn.run(application, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
