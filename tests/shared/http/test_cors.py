"""Pages of other origins: what is public can be read, answers come from collectors alone, nothing with credentials."""

import httpx
import pytest

from tests.shared.http.conftest import Token
from tests.shared.http.tiny import COLLECTOR

STRANGER = "https://evil.example"
ALLOWED = "access-control-allow-origin"


async def preflight(client: httpx.AsyncClient, method: str, path: str, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return await client.options(path, headers=headers)


async def test_anybody_s_page_may_read_what_is_public(client: httpx.AsyncClient) -> None:
    asked = await preflight(client, "GET", "/v1/open", STRANGER)
    answer = await client.get("/v1/open", headers={"Origin": STRANGER})

    assert (asked.status_code, asked.headers[ALLOWED]) == (204, "*")
    assert (answer.status_code, answer.headers[ALLOWED]) == (200, "*")
    assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_answers_come_from_the_pages_of_collectors_alone(client: httpx.AsyncClient) -> None:
    for origin, allowed in ((COLLECTOR, COLLECTOR), (STRANGER, None)):
        asked = await preflight(client, "POST", "/v1/answers", origin)
        answer = await client.post("/v1/answers", json={}, headers={"Origin": origin})

        assert (asked.status_code, asked.headers.get(ALLOWED)) == (204, allowed)
        assert (answer.status_code, answer.headers.get(ALLOWED)) == (422, allowed)
        assert "Origin" in asked.headers["vary"]
        assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/things"), ("POST", "/v1/things"), ("GET", "/docs")])
async def test_nothing_else_is_shown_to_another_origin(
    client: httpx.AsyncClient, bearer: Token, method: str, path: str
) -> None:
    asked = await preflight(client, method, path, COLLECTOR)
    answer = await client.request(method, path, headers={"Origin": COLLECTOR, **bearer("writer")})

    assert ALLOWED not in asked.headers
    assert ALLOWED not in answer.headers


async def test_no_credentials_cross_an_origin(client: httpx.AsyncClient) -> None:
    asked = await preflight(client, "GET", "/v1/open", STRANGER)

    assert "access-control-allow-credentials" not in asked.headers
    assert "authorization" not in asked.headers["access-control-allow-headers"].lower()


async def test_an_ordinary_request_is_not_told_of_origins(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/open")

    assert ALLOWED not in answer.headers
    assert "Origin" in answer.headers["vary"]
