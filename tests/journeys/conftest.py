"""The whole of Steward as `steward demo` runs it, once in each event mode, loaded with the public record."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from rich.progress import Progress

from deploy.demo.load import load
from deploy.local.kafka import missing_tools
from deploy.local.places import CannotRun
from deploy.local.ports import Ports
from deploy.local.processes import Child, check_port_free, free_port, listens
from deploy.local.stack import Stack
from tests.journeys.running import Journey


def free_base() -> int:
    """A base whose ports nobody listens on, away from those of a demo that may run beside the tests."""
    for base in range(20_000 + os.getpid() % 90 * 100, 32_000, 50):
        try:
            for port, purpose in Ports(base).used(postgres=True, kafka=True):
                check_port_free(port, purpose)
        except CannotRun:
            continue
        return base
    raise CannotRun("No fifty ports in a row are free.")


@asynccontextmanager
async def second_members(stack: Stack) -> AsyncIterator[None]:
    """A second worker of each service: another member of each consumer's group, another who would lead."""
    assert stack.deployment is not None
    async with AsyncExitStack() as running:
        for service in stack.urls:
            first = stack.deployment.worker(service)
            port = free_port()
            second = Child(
                replace(
                    first,
                    name=f"second worker of {service}",
                    ready=partial(listens, port),
                    log=first.log.with_name(f"{service}_second_worker.log"),
                    environment={
                        **first.environment,
                        "STEWARD_METRICS_PORT": str(port),
                        "STEWARD_KAFKA_MEMBER": f"{service}_second_worker",
                    },
                )
            )
            await second.start()
            running.push_async_callback(second.stop)
        yield


MODES = [pytest.param("feed", marks=pytest.mark.slow), pytest.param("kafka", marks=pytest.mark.kafka)]
"""Loading the record takes too long for `make quick`, whichever way its events travel."""


@pytest_asyncio.fixture(scope="session", params=MODES)
async def journey(request: pytest.FixtureRequest) -> AsyncIterator[Journey]:
    """Steward in one event mode, with the demo's data in it."""
    mode = request.param
    from tests.fixtures.lanes import leave_out  # pytest registers it as a plugin after reading this file

    if mode == "kafka" and (missing := missing_tools()):
        leave_out(missing)
    with tempfile.TemporaryDirectory(prefix=f"steward-{mode}-") as directory:
        stack = Stack(events=mode, data_dir=Path(directory), port_base=free_base())
        try:
            await stack.start()
            with Progress(disable=True) as progress:
                loaded = await load(stack.urls, stack.tokens, progress, stack.directory / "clock")
            await stack.announce(loaded=True, seconds=0)
            async with second_members(stack) if mode == "kafka" else nullcontext():
                yield Journey(stack, loaded)
        finally:
            await stack.stop()
