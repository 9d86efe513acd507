"""How long a service takes from its start to the first answer, and what the demo holds in memory at rest."""

import asyncio
import time
from pathlib import Path

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.benchmarks.figures import Figure, middle
from tests.benchmarks.processes import beside, memory_mb

STARTS = 5
SETTLED = 5.0
"""Seconds after which a loaded demo is at rest."""


async def measure_start_and_memory(stack: Stack) -> list[Figure]:
    """Each service started a few times beside the running one; then what every part of the demo holds."""
    await asyncio.sleep(SETTLED)
    held = {name: memory_mb(pid) for name, pid in stack.pids.items() if pid is not None}
    figures = [
        Figure(f"memory at rest, {name} ({stack.events})", megabytes, "MB", peak_mb=_peak_mb(stack.pids[name]))
        for name, megabytes in held.items()
    ]
    whole = Figure(f"memory at rest, the whole demo ({stack.events})", round(sum(held.values()), 1), "MB")
    starts = [middle([await _start(stack, service) for _ in range(STARTS)]) for service in stack.urls]
    return [*starts, whole, *figures]


async def _start(stack: Stack, service: str) -> Figure:
    port = free_port()
    child = beside(stack, service, port, ["deploy.cli.main", "serve", service, "--port", str(port)])
    began = time.perf_counter()
    await child.start()
    taken = (time.perf_counter() - began) * 1000
    await child.stop()
    return Figure(f"start of {service} to its first answer", round(taken), "ms")


def _peak_mb(pid: int | None) -> float | None:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return round(int(peak) / 1000, 1) if peak else None
