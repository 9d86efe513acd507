"""The local issuer gives tokens that a service accepts: to services by their secrets, to people by a command."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.local.issuer import (
    client_secrets,
    issuer_directory,
    prepare,
    public_keys,
    settings_for,
    sign,
)
from deploy.local.issuer_app import create_issuer
from shared.http.auth import Grant
from shared.http.tokens import Verifier


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An issuer's directory, ready."""
    directory = issuer_directory(tmp_path)
    prepare(directory, 8100)
    return directory


@pytest_asyncio.fixture
async def issuer(directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the issuer."""
    transport = httpx.ASGITransport(app=create_issuer(directory))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8100") as client:
        yield client


def verifier(directory: Path) -> Verifier:
    """What a service makes of the issuer's tokens."""
    trusted = settings_for("http://127.0.0.1:8100", ["follower", "data_provider"])
    return Verifier([trusted], {trusted.issuer: public_keys(directory)})


class TestKeys:
    def test_they_are_for_their_owner_alone_and_the_public_ones_hold_no_secret(self, directory: Path) -> None:
        for file in directory.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert "d" not in public_keys(directory)["keys"][0]

    def test_a_second_start_keeps_them(self, directory: Path) -> None:
        before = public_keys(directory), client_secrets(directory)

        prepare(directory, 8200)

        assert (public_keys(directory), client_secrets(directory)) == before


class TestClientCredentials:
    @pytest.mark.parametrize("service", ["goals", "feedback", "reporting"])
    async def test_a_service_becomes_a_follower(self, issuer: httpx.AsyncClient, directory: Path, service: str) -> None:
        secret = client_secrets(directory)[service]
        form = {"grant_type": "client_credentials", "client_id": service, "client_secret": secret}

        answer = await issuer.post("/token", data=form)

        assert answer.json()["token_type"] == "Bearer"
        identity = await verifier(directory).verify(answer.json()["access_token"])
        assert identity.grants == (Grant("follower"),)

    async def test_the_basic_header_does_as_well(self, issuer: httpx.AsyncClient, directory: Path) -> None:
        auth = ("goals", client_secrets(directory)["goals"])

        answer = await issuer.post("/token", data={"grant_type": "client_credentials"}, auth=auth)

        assert answer.status_code == 200

    @pytest.mark.parametrize("secret", ["", "wrong"])
    @pytest.mark.parametrize("client", ["", "goals", "nobody"])
    async def test_another_secret_gets_nothing(self, issuer: httpx.AsyncClient, client: str, secret: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}

        answer = await issuer.post("/token", data=form)

        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

    async def test_no_other_grant_is_given(self, issuer: httpx.AsyncClient, directory: Path) -> None:
        auth = ("goals", client_secrets(directory)["goals"])

        answer = await issuer.post("/token", data={"grant_type": "password"}, auth=auth)

        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")

    async def test_it_says_where_its_keys_are(self, issuer: httpx.AsyncClient, directory: Path) -> None:
        told = (await issuer.get("/.well-known/openid-configuration")).json()

        assert (await issuer.get(told["jwks_uri"])).json() == public_keys(directory)


class TestTokenCommand:
    def test_it_prints_a_token_for_a_role_in_a_unit(self, directory: Path) -> None:
        arguments = ["token", "--role", "data_provider", "--unit", "RF4", "--data-dir", str(directory.parent)]

        result = CliRunner().invoke(app, arguments)

        assert result.exit_code == 0, result.output
        assert len(result.output.split()) == 1
        assert result.output.count(".") == 2

    async def test_what_it_prints_is_accepted(self, directory: Path) -> None:
        identity = await verifier(directory).verify(sign(directory, "data_provider", "RF4"))

        assert identity.grants == (Grant("data_provider", "RF4"),)

    def test_an_unknown_role_is_refused_with_those_known(self, directory: Path) -> None:
        result = CliRunner().invoke(app, ["token", "--role", "king", "--data-dir", str(directory.parent)])

        assert result.exit_code == 2
        assert "data_provider" in result.output

    def test_without_an_issuer_it_says_what_to_start(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["token", "--role", "data_provider", "--data-dir", str(tmp_path)])

        assert result.exit_code == 1
        assert "start Steward" in result.output
