"""The whole of Steward as `steward demo` runs it, once in each event mode, loaded with the public record."""

import os
import tempfile
from collections.abc import AsyncIterator
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
from deploy.local.postgres import UNSAFE_AND_QUICK
from deploy.local.processes import Programme, check_port_free
from deploy.local.stack import Stack
from deploy.postgres.bootstrap import SERVICES
from tests.fixtures.collecting import Collector
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


def altered(collector: Collector, name: str, programme: Programme) -> Programme:
    """A part as journeys run it: none of them ends with the machine, and their spans are searched."""
    if name == "postgres":
        unsafe = [part for each in UNSAFE_AND_QUICK.items() for part in ("-c", "=".join(each))]
        return replace(programme, command=[*programme.command, *unsafe])
    if name.partition("_")[0] in SERVICES:
        return replace(programme, environment={**programme.environment, **collector.environment})
    return programme


MODES = [pytest.param("feed", marks=pytest.mark.slow), pytest.param("kafka", marks=pytest.mark.kafka)]
"""Loading the record takes too long for `make quick`, whichever way its events travel."""


@pytest_asyncio.fixture(scope="session", params=MODES)
async def journey(request: pytest.FixtureRequest) -> AsyncIterator[Journey]:
    """Steward in one event mode, with the demo's data in it."""
    mode = request.param
    from tests.fixtures.lanes import leave_out  # pytest registers it as a plugin after reading this file

    if mode == "kafka" and (missing := missing_tools()):
        leave_out(missing)
    with tempfile.TemporaryDirectory(prefix=f"steward-{mode}-") as directory, Collector() as collector:
        alter = partial(altered, collector)
        stack = Stack(events=mode, data_dir=Path(directory), port_base=free_base(), alter=alter)
        try:
            await stack.start()
            with Progress(disable=True) as progress:
                loaded = await load(stack.urls, stack.tokens, progress, stack.directory / "clock")
            await stack.announce(loaded=True, seconds=0)
            yield Journey(stack, loaded, collector)
        finally:
            await stack.stop()
