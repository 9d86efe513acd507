"""A service answers to its own names alone, and believes the proxies it was told of alone."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.issuer import public_keys, settings_for
from shared.http.serving import server_of
from tests.fixtures.services import ClientFor
from tests.shared.http.test_problems import problem
from tests.shared.http.tiny import create_tiny


@pytest.fixture
def named(tiny_database: str, issuer_directory: Path) -> FastAPI:
    """The tiny service under a name, a family of names and an address."""
    trusted = settings_for((issuer_directory / "address").read_text(), ["writer", "reader"])
    hosts = ["goals.body.example", "*.body.test", "[::1]"]
    return create_tiny(
        tiny_database, trusted, public_keys(issuer_directory), hosts=hosts, trusted_proxies=["10.0.0.0/8"]
    )


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["goals.body.example", "Goals.Body.Example:8443", "a.body.test", "[::1]", "[::1]:8001"]
    )
    async def test_a_name_of_its_own_is_answered(self, named: FastAPI, client_for: ClientFor, host: str) -> None:
        async with client_for(named) as client:
            assert (await client.get("/v1/open", headers={"Host": host})).status_code == 200

    @pytest.mark.parametrize("host", ["elsewhere.example", "body.test", "goals.body.example.evil.example", "", "x:y:z"])
    async def test_any_other_is_not(self, named: FastAPI, client_for: ClientFor, host: str) -> None:
        async with client_for(named) as client:
            problem(await client.get("/v1/open", headers={"Host": host}), 400, "unknown_host")

    async def test_probes_ask_by_address(self, named: FastAPI, client_for: ClientFor) -> None:
        async with client_for(named) as client:
            assert (await client.get("/livez", headers={"Host": "10.1.2.3"})).status_code == 200


class TestProxies:
    @pytest.mark.parametrize(
        ("peer", "forwarded", "counted"),
        [
            ("10.1.2.3", "192.0.2.9", "192.0.2.9"),
            ("10.1.2.3", "198.51.100.1, 192.0.2.9, 10.9.9.9", "192.0.2.9"),
            ("192.0.2.77", "198.51.100.1", "192.0.2.77"),
        ],
    )
    async def test_a_client_behind_a_trusted_proxy_is_known_by_its_own_address(
        self, named: FastAPI, peer: str, forwarded: str, counted: str
    ) -> None:
        seen: list[str] = []
        config = server_of(named, host="127.0.0.1", port=0).config
        config.load()

        async def app(scope: dict[str, object], receive: object, send: object) -> None:
            client = scope["client"]
            assert isinstance(client, tuple)
            seen.append(client[0])

        config.loaded_app.app = app  # what stands behind the proxy headers
        transport = httpx.ASGITransport(app=config.loaded_app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://goals.body.example") as client:
            with pytest.raises(AssertionError):
                await client.get("/", headers={"X-Forwarded-For": forwarded})

        assert seen == [counted]
