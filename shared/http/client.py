"""The only place that calls others over HTTP."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx

from shared.settings import ServiceSettings

TIMEOUT = httpx.Timeout(10.0, read=40.0)
"""Longer than the feed's longest poll."""
_RENEW_BEFORE = 30.0


async def fetch_json(url: str) -> Any:
    """A public JSON document, such as an issuer's keys."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        answer = await client.get(url)
        answer.raise_for_status()
        return answer.json()


async def post_text(url: str, text: str) -> None:
    """Send a text to somebody who keeps it; raises where it was not taken."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        answer = await client.post(url, content=text, headers={"Content-Type": "text/plain; charset=utf-8"})
        answer.raise_for_status()


async def send_form(url: str, form: Mapping[str, str]) -> tuple[int, Any]:
    """The status and the JSON that a form is answered with, such as a code sent to a token endpoint."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        answer = await client.post(url, data=dict(form))
        return answer.status_code, answer.json()


class ClientCredentials(httpx.Auth):
    """Gets a token for this service from its issuer, and a new one before it expires or where it is refused."""

    def __init__(self, token_url: str, client_id: str, secret: str) -> None:
        self._token_url = token_url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._token = ""
        self._good_until = 0.0
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with a token; once more with a new one if the first is refused."""
        token = await self._current()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == 401:
            request.headers["Authorization"] = f"Bearer {await self._current(refused=token)}"
            yield request

    async def _current(self, refused: str | None = None) -> str:
        async with self._lock:
            if self._token == refused or time.monotonic() > self._good_until:
                async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
                    answer = await client.post(self._token_url, data=self._form)
                answer.raise_for_status()
                told = answer.json()
                self._token = told["access_token"]
                self._good_until = time.monotonic() + float(told.get("expires_in", 60)) - _RENEW_BEFORE
            return self._token


def service_client(settings: ServiceSettings) -> httpx.AsyncClient:
    """A client that speaks as this service; the caller closes it. No proxy or netrc of the machine has a say."""
    auth = None
    if settings.token_url and settings.client_id and settings.client_secret:
        auth = ClientCredentials(settings.token_url, settings.client_id, settings.client_secret.get_secret_value())
    return httpx.AsyncClient(auth=auth, timeout=TIMEOUT, trust_env=False)


def bearer_client(base_url: str, token: str | None = None) -> httpx.AsyncClient:
    """A client of one service that shows a given token, or none; the caller closes it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT, trust_env=False)
