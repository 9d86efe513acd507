"""First figures, as found: what one Steward on this machine does, written to build/bench.json.

Each figure has the shape that later ones keep; where a second side was measured in the same run, `ratio` compares.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg
from rich.progress import Progress

from deploy.demo.answers import SURVEY
from deploy.demo.load import load
from deploy.local.stack import Stack
from deploy.postgres.bootstrap import url_of
from shared.ids import random_id
from tests.benchmarks.raw_http import Connection

BUILD = Path(__file__).parents[2] / "build"
PORT_BASE = 9700
CONNECTIONS = 32
BATCH = 100
SECONDS = 5.0
ROUNDS = 100
BACKLOG = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; latencies in milliseconds."""

    name: str
    ours: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    goal: float | None = None
    ok: bool | None = None
    p50: float | None = None
    p95: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """How often something was done, and how long each time took."""

    count: int
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Times a second."""
        return self.count / self.seconds

    def percentile(self, share: int) -> float:
        """The latency, in milliseconds, that `share` of a hundred stay below."""
        return round(statistics.quantiles(self.latencies, n=100)[share - 1] * 1000, 2)


async def repeat(port: int, connections: int, act: Callable[[Connection], Awaitable[int]]) -> Load:
    """Do something on each of several connections for a while; `act` gives how many times it counts."""
    counts: list[int] = []
    latencies: list[float] = []
    began = time.perf_counter()

    async def client() -> None:
        async with Connection("127.0.0.1", port) as connection:
            while (start := time.perf_counter()) < began + SECONDS:
                counts.append(await act(connection))
                latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(client() for _ in range(connections)))
    return Load(sum(counts), time.perf_counter() - began, latencies)


def response() -> dict[str, Any]:
    """A response as a phone posts it."""
    return {"id": str(random_id()), "version": 1, "language": "en", "answers": {"overall": "good", "hours": "2.5"}}


async def bare(connection: Connection) -> int:
    """The cheapest request there is."""
    assert (await connection.request("GET", "/livez"))[0] == 200
    return 1


async def single(connection: Connection) -> int:
    """One response."""
    status, _, _ = await connection.request("POST", f"/v1/surveys/{SURVEY}/responses", response())
    assert status == 201
    return 1


async def batch(connection: Connection) -> int:
    """A hundred responses in one request."""
    items = {"items": [response() for _ in range(BATCH)]}
    status, _, _ = await connection.request("POST", f"/v1/surveys/{SURVEY}/responses:batch", items)
    assert status == 207
    return BATCH


async def responses(stack: Stack) -> list[Figure]:
    """Responses a second, one by one and in batches; beside the bare requests of the same process."""
    port = stack.ports.api("feedback")
    empty = await repeat(port, CONNECTIONS, bare)
    one = await repeat(port, CONNECTIONS, single)
    many = await repeat(port, 4, batch)
    return [
        Figure(
            "responses, one by one",
            round(one.rate),
            "responses/s",
            reference=round(empty.rate),
            ratio=round(one.rate / empty.rate, 3),
            p50=one.percentile(50),
            p95=one.percentile(95),
        ),
        Figure(
            f"responses, in batches of {BATCH}",
            round(many.rate),
            "responses/s",
            p50=many.percentile(50),
            p95=many.percentile(95),
        ),
    ]


async def freshness(stack: Stack) -> Figure:
    """Milliseconds from sending a measurement until the scorecard shows it, to a reader that waits."""
    taken = []
    token = {"Authorization": f"Bearer {stack.tokens['data_provider']}"}
    async with (
        Connection("127.0.0.1", stack.ports.api("goals"), token) as goals,
        Connection("127.0.0.1", stack.ports.api("reporting")) as reporting,
    ):
        for round_ in range(ROUNDS):
            start = time.perf_counter()
            status, headers, _ = await goals.request("POST", "/v1/measurements", measurement("RF4", round_))
            assert status == 201
            after = {"Steward-After": headers["steward-written"]}
            status, _, _ = await reporting.request("GET", "/v1/scorecards/RF4?wait=10", headers=after)
            assert status == 200
            taken.append(time.perf_counter() - start)
    load_ = Load(ROUNDS, sum(taken), taken)
    return Figure(
        f"measurement sent → shown ({stack.events})",
        load_.percentile(50),
        "ms",
        p50=load_.percentile(50),
        p95=load_.percentile(95),
    )


def measurement(unit: str, number: int, indicator: str = "ae-admissions") -> dict[str, Any]:
    """One month's figure."""
    start = f"{2016 + number % 24 // 12}-{number % 12 + 1:02}-01"
    start = start if start >= "2016-04-01" else "2018-05-01"
    period = {"frequency": "month", "start": start}
    return {"indicator": indicator, "unit": unit, "period": period, "value": str(number)}


async def consumption(stack: Stack) -> Figure:
    """Events a second that reporting applies from a backlog of measurements and evaluations."""
    worker = stack.pids["reporting_worker"]
    assert worker is not None
    goals_log = await asyncpg.connect(url_of(stack.database_url, "goals"))
    read_side = await asyncpg.connect(url_of(stack.database_url, "reporting"))
    units = [row["code"] for row in await goals_log.fetch("select code from goals.unit where level = 'organisation'")]
    token = {"Authorization": f"Bearer {stack.tokens['data_provider']}"}
    try:
        os.kill(worker, signal.SIGSTOP)
        first = await position(read_side)
        async with Connection("127.0.0.1", stack.ports.api("goals"), token) as goals:
            for round_ in range(BACKLOG // 20):
                items = {"items": [measurement(unit, round_) for unit in units]}
                status, _, _ = await goals.request("POST", "/v1/measurements:batch", items)
                assert status == 207
        await until_quiet(goals_log)
        last = await goals_log.fetchval("select position from goals.log_head")
        os.kill(worker, signal.SIGCONT)
        began = time.perf_counter()
        while await position(read_side) < last:  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
    finally:
        os.kill(worker, signal.SIGCONT)
        await goals_log.close()
        await read_side.close()
    return Figure(f"events applied by reporting ({stack.events})", round((last - first) / seconds), "events/s")


async def position(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """How far reporting has followed goals."""
    found: int = await connection.fetchval("select position from reporting.progress where source = 'goals'")
    return found


async def until_quiet(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until goals has evaluated everything and numbered all it has to say."""
    unfinished = "select exists (select from goals.dirty) or exists (select from goals.outbox)"
    while await connection.fetchval(unfinished):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)


async def measure(events: str) -> list[Figure]:
    """All figures of one event mode, on a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="steward-bench-") as directory:
        stack = Stack(events=events, data_dir=Path(directory), port_base=PORT_BASE)  # type: ignore[arg-type]  # checked by the caller
        try:
            await stack.start()
            with Progress(disable=True) as progress:
                await load(stack.urls, stack.tokens, progress, stack.directory / "clock")
            figures = [await freshness(stack), await consumption(stack)]
            return figures + (await responses(stack) if events == "feed" else [])
        finally:
            await stack.stop()


def main() -> None:
    """Measure in the event modes given, by default feed alone, and write and print the figures."""
    modes = sys.argv[1:] or ["feed"]
    figures = [figure for mode in modes for figure in asyncio.run(measure(mode))]
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    for figure in figures:
        latency = f"   p50 {figure.p50} ms, p95 {figure.p95} ms" if figure.p50 else ""
        print(f"{figure.name:<45}{figure.ours:>10} {figure.unit}{latency}")  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
