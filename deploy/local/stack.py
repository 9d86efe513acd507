"""The whole of Steward on one machine, as demo and tests start it: started, watched, stopped in order."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Literal

import asyncpg

from deploy.local.body import DEMO_BODY, Founding, found
from deploy.local.kafka import Kafka, make_topics
from deploy.local.places import CannotRun, default_data_directory, make_enterable, passwords_in, write_private
from deploy.local.ports import DEFAULT_BASE, Ports, replica
from deploy.local.postgres import START_ATTEMPTS, Postgres
from deploy.local.processes import Child, Programme, check_port_free
from deploy.local.programmes import Deployment
from deploy.local.running import READY_FILE
from deploy.postgres.bootstrap import SERVICES, bootstrap, url_of
from shared.migrations import migrate

Events = Literal["feed", "kafka"]
_ADMINISTRATOR = "postgres"
LAST_RUN_LEAVES = 15.0
"""Seconds that the children of a run that was killed get to end by themselves."""


class Stack:
    """Three services with their workers, the issuer of their tokens, PostgreSQL and, where asked for, Kafka.

    With more replicas than one, each API and worker runs so often. `alter` is given each programme with its name and
    says how it is run: in a network of its own, say.

    Start order: PostgreSQL and Kafka; issuer, databases, schemas and body; APIs, and workers once Kafka is there. Each
    part is restarted when it dies. Stop order: APIs, workers, issuer, Kafka, PostgreSQL.
    """

    def __init__(
        self,
        *,
        events: Events = "feed",
        data_dir: Path | None = None,
        port_base: int = DEFAULT_BASE,
        ready_file: Path | None = None,
        database_url: str | None = None,
        body: Founding = DEMO_BODY,
        replicas: int = 1,
        alter: Callable[[str, Programme], Programme] = lambda _, programme: programme,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.events = events
        self.directory = (data_dir or default_data_directory()).absolute()
        self.ports = Ports(port_base, replicas=replicas)
        self.tokens: Mapping[str, str] = {}
        self.sign_in: Mapping[str, str] = {}
        self.deployment: Deployment | None = None
        self._ready_files = [self.directory / READY_FILE, *([ready_file.absolute()] if ready_file else [])]
        self._given_database = database_url
        self._body = body
        self._alter = alter
        self._report = report
        self._children: dict[str, Child] = {}
        self._lock: IO[str] | None = None
        self._announced: dict[str, Any] | None = None
        self._events_can_travel = asyncio.Event()
        self._was_cut_off = False
        self.database_url = database_url or ""

    @property
    def urls(self) -> Mapping[str, str]:
        """The base URL of each service."""
        return self.ports.urls

    @property
    def kafka(self) -> str | None:
        """The address of the broker, where there is one."""
        return f"127.0.0.1:{self.ports.kafka}" if self.events == "kafka" else None

    @property
    def pids(self) -> dict[str, int | None]:
        """The process id of each part; None for what this Steward does not run itself."""
        names = ["postgres", "kafka", *self._apis, *self._workers, "issuer"]
        return {name: self._children[name].pid if name in self._children else None for name in names}

    @property
    def _numbers(self) -> range:
        return range(1, self.ports.replicas + 1)

    @property
    def _apis(self) -> list[str]:
        return [replica(service, number) for number in self._numbers for service in SERVICES]

    @property
    def _workers(self) -> list[str]:
        return [replica(f"{service}_worker", number) for number in self._numbers for service in SERVICES]

    async def start(self) -> None:
        """Start everything; when this returns, everything answers."""
        self._claim_directory()
        for file in self._ready_files:
            file.unlink(missing_ok=True)
        await self._check_ports()
        passwords = passwords_in(self.directory, [_ADMINISTRATOR, *SERVICES])
        await _together(self._start_kafka(), self._start_services(passwords))

    async def announce(self, *, loaded: object, seconds: float) -> None:
        """Write the ready file, now and whenever a part has come back under another process id."""
        await self._checkpoint()
        self._announced = {"loaded": loaded, "seconds": round(seconds, 2)}
        await self._write_ready_files()

    async def watch(self) -> None:
        """Wait for ever; raises where a part can no longer be kept running."""
        await asyncio.gather(*(child.kept() for child in self._children.values()))

    async def halt(self, *names: str) -> None:
        """Stop parts and leave them stopped until `resume`."""
        await asyncio.gather(*(self._children[name].stop() for name in names))

    async def resume(self, *names: str) -> None:
        """Start parts again that were halted."""
        await asyncio.gather(*(self._children[name].start() for name in names))

    async def stop(self) -> None:
        """Stop everything, each part before those it needs."""
        for file in self._ready_files:
            if self._lock:
                file.unlink(missing_ok=True)
        self._announced = None
        groups = [self._apis, self._workers, ["issuer", "kafka"], ["postgres"]]
        for group in groups:
            children = [self._children.pop(name) for name in group if name in self._children]
            await asyncio.gather(*(child.stop() for child in children))
        if self._lock:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def _claim_directory(self) -> None:
        make_enterable(self.directory)
        (self.directory / "logs").mkdir(mode=0o700, exist_ok=True)
        lock = (self.directory / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise CannotRun(f"{self.directory} is in use by another Steward (process {owner}).") from error
        lock.seek(0)
        self._was_cut_off = bool(lock.read())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    async def _check_ports(self) -> None:
        """Every port must be free; where the last run was cut off, its children may need a moment to leave theirs."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + (LAST_RUN_LEAVES if self._was_cut_off else 0)
        for port, purpose in self.ports.used(postgres=not self._given_database, kafka=self.events == "kafka"):
            while True:
                try:
                    check_port_free(port, purpose)
                    break
                except CannotRun:
                    if clock() >= deadline:
                        raise
                await asyncio.sleep(0.1)

    async def _start_postgres(self, password: str) -> None:
        if self._given_database:
            return
        self._report("Starting PostgreSQL")
        server = Postgres(self.directory / "postgres", port=self.ports.postgres, password=password)
        await asyncio.to_thread(server.prepare)
        self.database_url = server.url
        await self._run("postgres", server.programme(self._log("postgres")), attempts=START_ATTEMPTS)

    async def _start_kafka(self) -> None:
        if self.events == "kafka":
            broker = Kafka(self.directory / "kafka", port=self.ports.kafka, controller_port=self.ports.kafka_controller)
            await asyncio.to_thread(broker.prepare, self._report)
            await self._run("kafka", broker.programme(self._log("kafka")))
            await make_topics(broker.address)
        self._events_can_travel.set()

    async def _start_services(self, passwords: Mapping[str, str]) -> None:
        await self._start_postgres(passwords[_ADMINISTRATOR])
        deployment = self.deployment = Deployment(
            ports=self.ports,
            directory=self.directory,
            events=f"kafka://{self.kafka}" if self.kafka else "feed",
            body=self._body.slug,
            database_urls={s: url_of(self.database_url, s, user=s, password=passwords[s]) for s in SERVICES},
        )
        self._report("Preparing the databases")
        await _together(self._run("issuer", deployment.issuer()), self._prepare_databases(passwords, deployment))
        self._report("Starting the services")
        apis = [deployment.api(service, number) for number in self._numbers for service in SERVICES]
        await _together(*(self._run(api.name, api) for api in apis), self._start_workers(deployment))
        self.tokens, self.sign_in = deployment.tokens(), deployment.sign_in()

    async def _start_workers(self, deployment: Deployment) -> None:
        await self._events_can_travel.wait()
        workers = [deployment.worker(service, number) for number in self._numbers for service in SERVICES]
        await _together(*(self._run(worker.name, worker) for worker in workers))

    async def _prepare_databases(self, passwords: Mapping[str, str], deployment: Deployment) -> None:
        await bootstrap(self.database_url, passwords)
        for service in SERVICES:
            await migrate(service, url_of(self.database_url, service))
        await found(self._body, deployment.database_urls["goals"])

    async def _run(self, name: str, programme: Programme, *, attempts: int = 1) -> None:
        child = Child(self._alter(name, programme), self._write_ready_files)
        self._children[name] = child
        await child.start(attempts=attempts)

    def _log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    async def _checkpoint(self) -> None:
        """Leave our own PostgreSQL nothing to replay of what was loaded: killed, it is back in under a second."""
        if not self._given_database:
            connection = await asyncpg.connect(self.database_url)
            try:
                await connection.execute("checkpoint")
            finally:
                await connection.close()

    async def _write_ready_files(self) -> None:
        if self._announced is None:
            return
        content = {
            "events": self.events,
            "urls": dict(self.urls),
            "tokens": dict(self.tokens),
            "sign_in": dict(self.sign_in),
            "database_url": self.database_url,
            "kafka": self.kafka,
            "pids": self.pids,
            **self._announced,
        }
        for file in self._ready_files:
            write_private(file, json.dumps(content, indent=2))


@asynccontextmanager
async def running(stack: Stack) -> AsyncIterator[Stack]:
    """A stack that is started and announced, without the demo's data, and stopped afterwards."""
    began = asyncio.get_running_loop().time()
    try:
        await stack.start()
        await stack.announce(loaded={}, seconds=asyncio.get_running_loop().time() - began)
        yield stack
    finally:
        await stack.stop()


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Do all of it at once; the first failure ends the others, so that nothing is started behind our back."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
