"""A service in a process of its own, served as `steward serve` serves it, to be tried with real sockets.

`python -m tests.shared.http.serving feedback PORT` is that process: it waits for a reader a third as long, and for the
next request a few seconds, so that tests need not wait longer.
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
from time import perf_counter

import asyncpg
import httpx

from shared.http.limits import Patience, Waiting
from tests.fixtures.databases import Database

READING = 10.0
IDLE = 2
PATIENCE = Patience(reading=Waiting(READING, at_least=2600), idle=IDLE)


@dataclass(frozen=True, slots=True)
class Served:
    """A running process and the database it stands on."""

    port: int
    pid: int
    database: Database

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

    async def connections(self) -> list[str]:
        """What each of its connections to the database is doing, apart from waiting for work."""
        admin = await asyncpg.connect(self.database.admin_url)
        rows = await admin.fetch(
            "select state || ': ' || query as doing from pg_stat_activity where datname = $1 and usename = $2 "
            "and state <> 'idle'",
            self.database.name,
            self.database.service,
        )
        await admin.close()
        return [row["doing"] for row in rows]

    def clients(self) -> int:
        """How many clients it is connected with: their ends of the same connections are not counted."""
        here, open_here = f":{self.port:04X}", "01"
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(here) and row[3] == open_here and row[9] != "0" for row in rows)

    async def is_quiet(self, *, beside: int) -> bool:
        """Whether it comes to hold no connection to the database while at least so many clients are connected."""
        while self.clients() < beside:  # noqa: ASYNC110 - of another process, which sets no event here
            await asyncio.sleep(0.05)
        while self.clients() >= beside:
            if await self.connections() == []:
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
    service = database.service
    variables: Mapping[str, str] = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - handed on to a child as it is
        f"{service.upper()}_DATABASE_URL": database.url,
        "STEWARD_ENV": "local",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.http.serving", service, str(port), env=variables
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(300):
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield Served(port, process.pid, database)
    finally:
        if process.returncode is None:
            process.terminate()
        ended = await asyncio.wait_for(process.wait(), 15)
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
    """How long a normal request takes, the slowest of ten."""
    slowest = 0.0
    for _ in range(10):
        began = perf_counter()
        answer = await client.get(path)
        slowest = max(slowest, perf_counter() - began)
        assert answer.status_code in (200, 404)
    return slowest


@asynccontextmanager
async def caller_of(process: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A normal client of the process."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}", timeout=60) as client:
        yield client


if __name__ == "__main__":
    from shared.http.serving import server_of

    app = import_module(f"services.{sys.argv[1]}.app").create_app()
    server_of(app, host="127.0.0.1", port=int(sys.argv[2]), patience=PATIENCE).run()
