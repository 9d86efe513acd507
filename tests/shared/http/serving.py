"""A service in a process of its own, served as `steward serve` serves it, to be tried with real sockets.

`python -m tests.shared.http.serving feedback PORT METRICS_PORT` is that process: it waits for a reader a third as long,
and for the next request a few seconds, so that tests need not wait longer.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.processes import free_port
from shared.http.limits import Patience, Waiting
from tests.fixtures.databases import Database

READING = 10.0
IDLE = 2
PATIENCE = Patience(reading=Waiting(READING, at_least=2600), idle=IDLE)


@dataclass(frozen=True, slots=True)
class Served:
    """A running process and the database it stands on."""

    port: int
    metrics_port: int
    pid: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Everything that it answers to these bytes until it closes."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        answer = await reader.read()
        writer.close()
        return answer

    async def lent(self) -> float:
        """How many connections to the database it has lent out to requests, whatever they do with them."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text
        families = {family.name: family for family in text_string_to_metric_families(text)}
        return sum(sample.value for sample in families["steward_database_connections_in_use"].samples)

    async def keeps(self) -> float:
        """How many of them it keeps lent out: the fewest at any moment of half a second."""
        fewest = await self.lent()
        for _ in range(5):
            await asyncio.sleep(0.1)
            fewest = min(fewest, await self.lent())
        return fewest

    def clients(self) -> int:
        """How many clients it is connected with: their ends of the same connections are not counted."""
        here, open_here = f":{self.port:04X}", "01"
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(here) and row[3] == open_here and row[9] != "0" for row in rows)

    async def is_quiet(self, *, beside: int) -> bool:
        """Whether it comes to lend out no connection to the database while at least so many clients are connected."""
        while self.clients() < beside:  # noqa: ASYNC110 - of another process, which sets no event here
            await asyncio.sleep(0.05)
        while self.clients() >= beside:
            if await self.lent() == 0:
                return self.clients() >= beside
            await asyncio.sleep(0.1)
        return False

    async def has_dropped(self, *, all_but: int, seconds: float) -> bool:
        """Whether it lets go of its clients, all but these, within a time."""
        until = perf_counter() + seconds
        while self.clients() > all_but:
            if perf_counter() > until:
                return False
            await asyncio.sleep(0.2)
        return True

    def stop(self) -> None:
        """Ask it to stop."""
        os.kill(self.pid, signal.SIGTERM)

    def megabytes(self) -> float:
        """The memory that the process holds."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return int(fields["VmRSS"].split()[0]) / 1024


@asynccontextmanager
async def served(database: Database, port: int, **settings: str) -> AsyncIterator[Served]:
    """The service of a database, on a port, until the block ends; it ends well then."""
    service, metrics_port = database.service, free_port()
    variables: Mapping[str, str] = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - handed on to a child as it is
        f"{service.upper()}_DATABASE_URL": database.url,
        "STEWARD_ENV": "local",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.http.serving", service, str(port), str(metrics_port), env=variables
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(300):
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        yield Served(port, metrics_port, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        ended = await asyncio.wait_for(process.wait(), 30)
    assert ended in (0, -signal.SIGTERM)  # uvicorn ends by the signal it was sent


async def spoken(process: Served, first: bytes, *, cut: bool = False, source: str = "") -> socket.socket:
    """A connection that has said something and reads nothing, or is cut at once; it may come from another address."""
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    if source:
        connection.bind((source, 0))
    await loop.sock_connect(connection, ("127.0.0.1", process.port))
    await loop.sock_sendall(connection, first)
    if cut:
        connection.close()
    return connection


async def answered_in(client: httpx.AsyncClient, path: str) -> float:
    """How long a normal request takes: the median of eleven, each of them answered as usual."""
    took = []
    for _ in range(11):
        began = perf_counter()
        answer = await client.get(path)
        took.append(perf_counter() - began)
        assert answer.status_code in (200, 404)
    return median(took)


@asynccontextmanager
async def caller_of(process: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A normal client of the process."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}", timeout=60) as client:
        yield client


if __name__ == "__main__":
    from shared.http.serving import server_of
    from shared.telemetry import metrics_server

    app = import_module(f"services.{sys.argv[1]}.app").create_app()
    with metrics_server(int(sys.argv[3])):
        server_of(app, host="127.0.0.1", port=int(sys.argv[2]), patience=PATIENCE).run()
