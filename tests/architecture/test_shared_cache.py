"""Roles of several units behind one caching proxy: what it kept of one is never shown to another who sees less."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from deploy.postgres.bootstrap import SERVICES
from tests.architecture.access.walking import ADMINISTRATOR, Cases, Service, Walk, Way
from tests.architecture.test_access import CASES
from tests.fixtures.shared_cache import SharedCache

OUT_OF_THE_CACHE = {"feedback": {"GET /v1/surveys/{key}"}, "reporting": {"GET /v1/scorecards/{unit}"}}
"""Routes that the cache does answer, so that this test is about something."""


def callers_of(walk: Walk) -> Mapping[str, str | None]:
    """Who asks: one who may see everything, two who may see what is theirs, and nobody in particular."""
    sign = walk.service.sign
    return {
        "administrator": sign(ADMINISTRATOR, walk.root),
        "data provider": sign("data_provider", walk.home),
        "performance officer abroad": sign("performance_officer", walk.abroad),
        "nobody": None,
    }


async def asked(service: Service, request: Mapping[str, Any], token: str | None) -> tuple[int, str]:
    """What a caller is shown: not the id of the request that is in each problem."""
    answer = await service.call(token=token, **request)
    return answer.status_code, answer.text if answer.status_code == 200 else ""


async def faults_of(walk: Walk, route: str, way: Way) -> tuple[list[str], bool]:
    """Who was shown what is another's, and whether the cache answered anybody."""
    service, callers, faults, is_kept = walk.service, callers_of(walk), [], False
    request = await walk.request_for(route, way, walk.near, walk.near, "code")
    direct = {name: await asked(service, request, token) for name, token in callers.items()}
    for first in callers:
        cache = SharedCache(httpx.ASGITransport(app=service.app, raise_app_exceptions=False))
        async with httpx.AsyncClient(transport=cache, base_url="http://steward.test") as client:
            behind = Service(service.app, client, service.sign)
            for name in (first, *callers):
                hits = cache.hits
                answer = await asked(behind, request, callers[name])
                if cache.hits > hits:
                    is_kept = True
                    # What anybody may see is no secret from who may see more, or nothing, under a token.
                    if answer not in (direct[name], direct["nobody"]):
                        faults.append(f"{route}: {name} is shown what {first} is")
    return faults, is_kept


async def walked(walk: Walk, cases: Cases) -> tuple[list[str], set[str]]:
    """All faults of a service, and the routes that the cache answered."""
    faults: list[str] = []
    kept: set[str] = set()
    reads: list[tuple[str, Sequence[Way]]] = [each for each in cases.items() if each[0].startswith("GET ")]
    for route, ways in reads:
        found, is_kept = await faults_of(walk, route, ways[0])
        faults += found
        kept |= {route} if is_kept else set()
    return faults, kept


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_is_shown_what_was_kept_for_another(service: str, walks: Mapping[str, Walk]) -> None:
    faults, kept = await walked(walks[service], CASES[service])

    assert faults == []
    assert kept >= OUT_OF_THE_CACHE.get(service, set())
