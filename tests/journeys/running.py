"""A running Steward, as the journeys call it."""

from dataclasses import dataclass
from typing import Any

import httpx

from deploy.demo.load import Loaded
from deploy.local.stack import Stack
from tests.fixtures.collecting import Collector


@dataclass
class Journey:
    """A running, loaded Steward, and clients of it."""

    stack: Stack
    loaded: Loaded
    traces: Collector
    """Of all processes, the spans of those traces whose caller has them kept."""

    def client(self, service: str, role: str | None = None) -> httpx.AsyncClient:
        """A client of a service with a role's token, or of everybody."""
        headers = {"Authorization": f"Bearer {self.stack.tokens[role]}"} if role else {}
        return httpx.AsyncClient(base_url=self.stack.urls[service], headers=headers, timeout=30, trust_env=False)


async def tile(client: httpx.AsyncClient, unit: str, indicator: str, **parameters: Any) -> dict[str, Any]:
    """One tile of a unit's scorecard."""
    headers = parameters.pop("headers", {})
    answer = await client.get(f"/v1/scorecards/{unit}", params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    (found,) = [tile for tile in answer.json()["tiles"] if tile["indicator"]["code"] == indicator]
    return dict(found)
