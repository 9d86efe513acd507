"""What is known afterwards of a probe."""

import httpx
from prometheus_client import REGISTRY


async def test_a_probe_is_counted_like_any_other_request(client: httpx.AsyncClient) -> None:
    def counted() -> float:
        labels = {"service": "tiny", "method": "GET", "route": "/readyz", "status": "503"}
        return REGISTRY.get_sample_value("steward_request_seconds_count", labels) or 0.0

    before = counted()

    # It has no migrations, and so is never ready.
    assert (await client.get("/readyz")).status_code == 503

    assert counted() == before + 1
