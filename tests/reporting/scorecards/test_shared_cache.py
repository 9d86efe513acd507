"""Two roles behind one caching proxy: each sees what it would see without it."""

from collections.abc import Mapping
from datetime import date
from itertools import permutations

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import JSONResponse

from tests.fixtures.shared_cache import SharedCache
from tests.reporting.scorecards.conftest import Tell, signed_in
from tests.reporting.told import evaluation, indicator, period, small_world

MARCH = date(2019, 3, 1)
CALLERS: Mapping[str, dict[str, str]] = {
    "public": {},
    "analyst": signed_in("analyst"),
    "forged": signed_in("forged"),
}
TELLS_APART = {"/v1/scorecards/{unit}", "/v1/results.csv"}
"""Routes whose answer depends on the role."""


@pytest_asyncio.fixture(scope="module")
async def world(tell: Tell) -> None:
    """One organisation with a number for everybody and one that is internal."""
    await tell(
        *small_world(["RF4"]),
        indicator("sickness", disclosure_class="internal"),
        evaluation("RF4", period(MARCH)),
        evaluation("RF4", period(MARCH, "400"), code="sickness"),
    )


def cache_of(app: FastAPI) -> tuple[SharedCache, httpx.AsyncClient]:
    """An empty cache before a service, and a client that comes through it."""
    cache = SharedCache(httpx.ASGITransport(app=app, raise_app_exceptions=False))
    return cache, httpx.AsyncClient(transport=cache, base_url="http://steward.test")


def paths_of(app: FastAPI) -> set[str]:
    """Every address that can be read."""
    return {
        context.path
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute) and "GET" in (context.methods or ()) and context.path
    } - {"/v1/events", "/sign-in", "/sign-in/callback", "/livez", "/readyz"}


def seen(answer: httpx.Response) -> tuple[int, str, str]:
    """What a reader sees of an answer: not the id of the request, nor the second it was made in."""
    content = answer.text if answer.status_code == 200 else str(answer.status_code)
    return answer.status_code, answer.headers.get("content-type", ""), content


@pytest.mark.usefixtures("world")
class TestBehindOneCache:
    async def test_nobody_is_shown_what_was_kept_for_another(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        mixed = []
        for path in sorted(paths_of(app)):
            address = path.replace("{unit}", "RF4").replace("{code}", "not_found")
            direct = {name: seen(await client.get(address, headers=headers)) for name, headers in CALLERS.items()}
            if len(set(direct.values())) == 1:
                continue
            for first, second in permutations(CALLERS, 2):
                async with cache_of(app)[1] as cached:
                    for name in (first, second):
                        answer = seen(await cached.get(address, headers=CALLERS[name]))
                        # A page refuses a token; what was kept for the public is then no secret.
                        may_see = {direct[name], direct["public"]} if direct[name][0] == 401 else {direct[name]}
                        if answer not in may_see:
                            mixed.append(
                                f"{address}: {first} then {second}: {name} got {answer[0]}, not {direct[name][0]}"
                            )
        assert mixed == []

    async def test_the_roles_do_see_different_things(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        apart = set()
        for path in sorted(paths_of(app)):
            address = path.replace("{unit}", "RF4").replace("{code}", "not_found")
            public, analyst = [seen(await client.get(address, headers=CALLERS[name])) for name in ("public", "analyst")]
            if public[0] == analyst[0] == 200 and public != analyst:
                apart.add(path)
        assert apart >= TELLS_APART

    async def test_what_is_public_is_answered_out_of_the_cache(self, app: FastAPI) -> None:
        cache, client = cache_of(app)
        async with client:
            for _ in range(2):
                await client.get("/v1/scorecards/RF4")

        assert cache.hits == 1

    async def test_a_route_that_forgets_to_vary_is_found(self) -> None:
        planted = FastAPI(openapi_url=None)

        @planted.get("/careless")
        async def careless(request: Request) -> JSONResponse:
            role = request.headers.get("authorization", "public")
            return JSONResponse(role, headers={"Cache-Control": "public, max-age=60"})

        async with cache_of(planted)[1] as cached:
            await cached.get("/careless", headers=CALLERS["analyst"])

            assert "analyst" in (await cached.get("/careless")).text
