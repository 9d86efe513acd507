"""Behind one caching proxy each caller sees, on every route that can be read, what it would see without it."""

import re
from collections.abc import Mapping
from itertools import permutations

import httpx
import pytest

from deploy.postgres.bootstrap import SERVICES
from tests.architecture.access.walking import Walk
from tests.architecture.test_access import CASES
from tests.fixtures.shared_cache import SharedCache

# Two answers of these differ by themselves, or do not end.
OUT_OF_SIGHT = {"GET /v1/status", "GET /status", "GET /sign-in", "GET /sign-in/callback", "GET /readyz"} | {
    "GET /scorecards/{unit}/changes"
}


async def callers_of(walk: Walk, path: str) -> dict[str, dict[str, str]]:
    """The public, one who may see all, and two of regions: with tokens for the API, with sessions for pages."""
    grants = {"administrator": walk.root, "analyst at home": walk.home, "analyst abroad": walk.abroad}
    callers: dict[str, dict[str, str]] = {"public": {}}
    for name, unit in grants.items():
        token = walk.service.sign(name.partition(" ")[0], unit)
        if path.startswith("/v1/"):
            callers[name] = {"Authorization": f"Bearer {token}"}
        else:
            secret = await walk.service.session_of(token)
            callers[name] = {"Cookie": f"__Host-steward-{walk.service.app.state.name}={secret}"}
    return callers


def seen(answer: httpx.Response) -> tuple[int, str]:
    """What a caller sees, but for the moment at which it was made."""
    content = re.sub(r"[0-9a-f-]{32,36}|\d\d:\d\d:\d\d[.\d]*", "", answer.text) if answer.status_code == 200 else ""
    return answer.status_code, content


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_is_shown_what_was_kept_for_another(service: str, walks: Mapping[str, Walk]) -> None:
    walk, mixed, told_apart = walks[service], [], 0
    for route, ways in CASES[service].items():
        if not route.startswith("GET ") or route in OUT_OF_SIGHT:
            continue
        path = (await walk.request_for(route, ways[0], walk.near, walk.near, "code"))["path"]
        callers = await callers_of(walk, path)
        direct = {name: seen(await walk.service.client.get(path, headers=sent)) for name, sent in callers.items()}
        told_apart += len(set(direct.values())) > 1
        for order in permutations(callers, 2):
            cache = SharedCache(httpx.ASGITransport(app=walk.service.app, raise_app_exceptions=False))
            async with httpx.AsyncClient(transport=cache, base_url="http://steward.test") as client:
                got = {name: seen(await client.get(path, headers=callers[name])) for name in order}
            mixed += [f"{route}: {' then '.join(order)}: {name}" for name in order if got[name] != direct[name]]

    assert mixed == []
    assert told_apart >= 3
