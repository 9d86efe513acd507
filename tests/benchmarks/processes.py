"""Processes that a benchmark starts, or holds still while another one is measured."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from deploy.local.places import CHECKOUT
from deploy.local.processes import Child, Programme, answers, free_port
from deploy.local.stack import Stack


@asynccontextmanager
async def door(service: str, stack: Stack) -> AsyncIterator[int]:
    """The port of a service as tests.benchmarks.doors serves it, on the database of a running stack."""
    port = free_port()
    child = beside(stack, service, port, ["tests.benchmarks.doors", service, str(port)])
    await child.start()
    try:
        yield port
    finally:
        await child.stop()


def beside(stack: Stack, service: str, port: int, module: Sequence[str]) -> Child:
    """A process that serves on a port of its own, with the environment of a service of a running stack."""
    assert stack.deployment is not None
    environment = dict(stack.deployment.api(service).environment)
    del environment["STEWARD_METRICS_PORT"]
    return Child(
        Programme(
            name=f"benchmark {service}",
            command=[sys.executable, "-m", *module],
            ready=lambda: answers(port, "/readyz"),
            log=stack.directory / "logs" / f"bench-{service}.log",
            environment=environment,
            directory=CHECKOUT,
        )
    )


@contextmanager
def _halted(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def halted(stack: Stack, name: str) -> AsyncIterator[None]:
    """A part of the stack held still, so that it takes no share of the machine."""
    pid = stack.pids[name]
    assert pid is not None
    with _halted(pid):
        await asyncio.sleep(0.1)
        yield


def memory_mb(pid: int) -> float:
    """Memory of a process and its children at this moment, in MB; what several share is counted once."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    total = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1000
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text().split()
        total += sum(memory_mb(int(child)) for child in children)
    return round(total, 1)
