"""Counters of processes that are killed all the time, added up over all their lives."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

_EVERY = 1.0
_POSITION = "steward_log_position"


class Counting:
    """Asks every process for its metrics once a second; what it counted in its last second before a kill is missed."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._last: dict[tuple[str, str], float] = defaultdict(float)
        self.totals: dict[str, float] = defaultdict(float)
        """By counter, how much it went up."""
        self.gauges: dict[tuple[str, str], float] = {}
        """By process and gauge, what it says now."""

    async def run(self) -> None:
        """Count until cancelled."""
        async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
            while True:
                await asyncio.gather(*(self._ask(client, name, url) for name, url in self._urls.items()))
                await asyncio.sleep(_EVERY)

    def log_position(self, service: str) -> int:
        """How long the log of a service is, as far as its workers have said."""
        mine = (value for (name, key), value in self.gauges.items() if name.startswith(service) and key == _POSITION)
        return round(max(mine, default=0))

    async def _ask(self, client: httpx.AsyncClient, name: str, url: str) -> None:
        try:
            text = (await client.get(url)).text
        except httpx.TransportError:
            return
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
                key = f"{sample.name}{{{labels}}}" if labels else sample.name
                if family.type == "counter" and sample.name.endswith("_total"):
                    before = self._last[name, key]
                    self.totals[sample.name] += sample.value - before if sample.value >= before else sample.value
                    self._last[name, key] = sample.value
                elif family.type == "gauge":
                    self.gauges[name, key] = sample.value
