"""The issuer of one machine's tokens, served on the loopback interface.

`python -m deploy.local.issuer_app --port 8100 --directory .steward/data/issuer --service goals=http://127.0.0.1:8101`
publishes the keys, gives the three services tokens by client credentials, and lets people sign in at their pages.
"""

import argparse
import base64
import binascii
import hmac
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from deploy.local.issuer import (
    ALGORITHM,
    FOR_SERVICES,
    client_secrets,
    held_by_refresh_token,
    page_tokens,
    prepare,
    public_keys,
    service_token,
)
from deploy.local.issuer_sign_in import RoleChoice
from shared.ui.static_files import OurFiles


def create_issuer(directory: Path, services: Mapping[str, str] | None = None) -> Starlette:
    """The issuer as an application; `prepare` has been called. `services` are the addresses whose pages it serves."""
    address = (directory / "address").read_text()
    keys = public_keys(directory)
    choice = RoleChoice(address, services or {})

    async def discovery(_request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": address,
                "jwks_uri": f"{address}/jwks.json",
                "authorization_endpoint": f"{address}/authorize",
                "token_endpoint": f"{address}/token",
                "end_session_endpoint": f"{address}/end-session",
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "scopes_supported": ["openid", "profile"],
                "claims_supported": ["sub", "name"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        )

    async def jwks(_request: Request) -> JSONResponse:
        return JSONResponse(keys, headers={"Cache-Control": "public, max-age=60"})

    async def token(request: Request) -> Response:
        form = await request.form()
        client, secret = _credentials(request, _text(form, "client_id"), _text(form, "client_secret"))
        expected = client_secrets(directory).get(client, "")
        if not expected or not hmac.compare_digest(expected.encode(), secret.encode()):
            return _refused(401, "invalid_client", "No such client, or another secret.")
        match _text(form, "grant_type"):
            case "client_credentials":
                told = {
                    "access_token": service_token(directory, client),
                    "token_type": "Bearer",
                    "expires_in": int(FOR_SERVICES.total_seconds()),
                }
            case "authorization_code":
                given = choice.redeem(
                    _text(form, "code"),
                    client=client,
                    redirect_uri=_text(form, "redirect_uri"),
                    verifier=_text(form, "code_verifier"),
                )
                if given is None:
                    return _refused(400, "invalid_grant", "No such code, or not for this.")
                told = page_tokens(directory, client=client, held=given.held, nonce=given.nonce)
            case "refresh_token":
                held = held_by_refresh_token(directory, client, _text(form, "refresh_token"))
                if held is None:
                    return _refused(400, "invalid_grant", "No such refresh token, or too old.")
                told = page_tokens(directory, client=client, held=held, nonce=None)
            case _:
                known = "client_credentials, authorization_code and refresh_token"
                return _refused(400, "unsupported_grant_type", f"Given here are {known}.")
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/jwks.json", jwks),
            Route("/authorize", choice.authorize, methods=["GET", "POST"]),
            Route("/token", token, methods=["POST"]),
            Route("/end-session", choice.end_session),
            Mount("/static", OurFiles()),
        ]
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


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
    parser.add_argument("--service", action="append", default=[], help="NAME=ADDRESS, whose pages people sign in at")
    arguments = parser.parse_args()
    prepare(arguments.directory, arguments.port)
    application = create_issuer(arguments.directory, dict(each.split("=", 1) for each in arguments.service))
    uvicorn.run(application, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
