"""The server backed up while it works and put back to an earlier moment, with the very lines of the operator's page."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.demo.definitions import ATTENDANCES, experience_survey
from deploy.local.body import DEMO_BODY
from deploy.local.places import make_enterable, passwords_in, unprivileged
from deploy.local.postgres import Postgres
from deploy.local.processes import Child, Programme
from deploy.local.stack import Stack, running
from deploy.postgres.bootstrap import SERVICES
from shared.messaging.anchors import new_key

PAGE = (Path(__file__).parents[2] / "deploy" / "operations.md").read_text()
WORKERS = tuple(f"{service}_worker" for service in SERVICES)


def lines_of(heading: str) -> list[list[str]]:
    """The blocks of code below a heading of the page, up to the next, as lines."""
    section = re.split(r"^##", PAGE.partition(f"{heading}\n")[2], flags=re.MULTILINE)[0]
    return [block.splitlines() for block in re.findall(r"^```\w+\n(.*?)^```", section, re.MULTILINE | re.DOTALL)]


ARCHIVING, BACKING_UP, GOING_BACK = lines_of("## Backup and restore")
NEW_LOGS, REBASING = lines_of("### After a restore")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place that PostgreSQL's account can enter even where the tests run as root, with a backup/ that it may fill."""
    directory = Path(tempfile.mkdtemp(prefix="steward-restore-"))
    make_enterable(directory)
    (directory / "backup" / "wal").mkdir(parents=True)
    belongs_to_postgres(directory / "backup")
    yield directory
    shutil.rmtree(directory)


def belongs_to_postgres(directory: Path) -> None:
    """As root: hand everything in a directory to the account that PostgreSQL runs under."""
    if account := unprivileged():
        for each in (directory, *directory.rglob("*")):
            os.chown(each, account.uid, account.gid)


class Site:
    """A Steward whose server archives, what an operator types there, and what is asked of it."""

    def __init__(self, directory: Path, port_base: int) -> None:
        self.directory = directory
        self.port_base = port_base
        self.stack = Stack(data_dir=directory / "data", port_base=port_base, alter=self._archiving)
        self.binaries = ""

    def _archiving(self, name: str, programme: Programme) -> Programme:
        if name != "postgres":
            return programme
        self.binaries = str(Path(programme.command[0]).parent)
        settings = (re.fullmatch(r"(\w+) = '?(.*?)'?", self.here(line)) for line in ARCHIVING)
        options = [part for each in settings if each for part in ("-c", f"{each[1]}={each[2]}")]
        options += ["-c", "fsync=off"]  # no machine dies here
        return replace(programme, command=[*programme.command, *options])

    def here(self, line: str) -> str:
        """A line of the page, for this machine's place of backups."""
        return line.replace("/backup/", f"{self.directory}/backup/")

    async def types(self, line: str, *, service: str | None = None) -> tuple[int, str]:
        """Run a line in a shell that has the settings of a service, or else of what looks at all databases."""
        assert self.stack.deployment
        given = [self.stack.deployment.worker(each).environment for each in SERVICES]
        settings = (
            self.stack.deployment.worker(service).environment
            if service
            else {name: value for each in given for name, value in each.items() if name.endswith("_DATABASE_URL")}
        )
        server = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.stack.ports.postgres),
            "PGUSER": "postgres",
            "PGPASSWORD": passwords_in(self.stack.directory, ["postgres"])["postgres"],
            "PATH": f"{Path(sys.executable).parent}:{self.binaries}:/usr/bin:/bin",
            "STEWARD_ANCHOR_TO": str(self.directory / "goals.jws"),
            "STEWARD_ANCHOR_KEY_FILE": str(self.directory / "key.pem"),
        }
        outcome = await asyncio.to_thread(
            subprocess.run,
            ["sh", "-c", self.here(line)],
            cwd="/",
            env={**settings, **server},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return outcome.returncode, outcome.stdout

    async def asked(self, query: str, database: str = "postgres") -> object:
        """One value of a database, as the administrator sees it."""
        connection = await asyncpg.connect(self.stack.database_url.rpartition("/")[0] + f"/{database}")
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def post(self, service: str, path: str, body: object) -> bool:
        """Ask as a performance officer; whether it was done."""
        headers = {"Authorization": f"Bearer {self.stack.tokens['performance_officer']}"}
        async with httpx.AsyncClient(base_url=self.stack.urls[service], headers=headers) as client:
            return (await client.post(path, json=body)).is_success

    async def measure(self, month: int) -> None:
        """Record a value and wait until reporting holds it."""
        period = {"frequency": "month", "start": f"2026-{month:02}-01"}
        figure = {"indicator": ATTENDANCES.code, "unit": DEMO_BODY.slug, "period": period, "value": str(month)}
        assert await self.post("goals", "/v1/measurements", figure)
        await until(lambda: self.reporting_holds(month))

    async def reporting_holds(self, month: int) -> bool:
        """Whether reporting has applied a value of this month."""
        held = f"select exists (select from reporting_read.recorded_vintage where period_start = '2026-{month:02}-01')"
        return bool(await self.asked(held, "reporting"))

    async def put_back(self, moment: str) -> None:
        """What the page says, while nothing of Steward runs; PostgreSQL runs when this ends."""
        data = self.stack.directory / "postgres" / "data"
        shutil.rmtree(data)
        shutil.copytree(self.directory / "backup" / "base", data)
        lines = [re.sub(r"(recovery_target_time) = .*", rf"\1 = '{moment}'", self.here(line)) for line in GOING_BACK]
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("\n".join(["", *lines, ""]))
        (data / "recovery.signal").touch()
        belongs_to_postgres(data)


async def until(happened: Callable[[], Awaitable[object]]) -> None:
    """Wait up to thirty seconds for something to come."""
    for _ in range(300):
        if await happened():
            return
        await asyncio.sleep(0.1)
    pytest.fail("It has not come within thirty seconds.")


@asynccontextmanager
async def only_postgres(site: Site) -> AsyncIterator[None]:
    """The server alone, once it is as it was at the moment."""
    password = passwords_in(site.stack.directory, ["postgres"])["postgres"]
    server = Postgres(site.stack.directory / "postgres", port=site.stack.ports.postgres, password=password)
    child = Child(server.programme(site.directory / "postgres.log"))
    await child.start()
    try:
        await until(lambda: site.asked("select not pg_is_in_recovery()"))
        yield
    finally:
        await child.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_was_lost_is_told_and_followers_go_on_with_what_is_left(directory: Path) -> None:
    new_key(directory / "key.pem")
    site = Site(directory, port_base=28_200)
    async with running(site.stack):
        assert await site.post("goals", "/v1/indicators", ATTENDANCES.definition)
        covered = {"indicator": ATTENDANCES.code, "unit": DEMO_BODY.slug, "valid_from": "2026-01-01"}
        assert await site.post("goals", "/v1/assignments", covered)
        await until(lambda: site.post("feedback", "/v1/surveys", experience_survey(DEMO_BODY.slug)))
        await site.measure(1)
        for line in BACKING_UP:
            code, said = await site.types(line)
            assert code == 0, said
        await site.measure(2)
        moment = str(await site.asked("select clock_timestamp()"))
        await site.measure(3)
        code, said = await site.types("steward events anchor --service goals", service="goals")
        assert code == 0, said
        lost = await site.asked("select position from goals.log_head", "goals")

    await site.put_back(moment)
    async with only_postgres(site):
        left = int(str(await site.asked("select position from goals.log_head", "goals")))
        verify, *renewals = NEW_LOGS
        code, found = await site.types(verify)
        renewed = await asyncio.gather(*(site.types(line) for line in renewals))

    assert code == 1
    assert re.search(rf"^position {left + 1}: removed .* ends at {left}, but anchor of .* holds {lost}$", found, re.M)
    assert [code for code, _ in renewed] == [0, 0, 0]
    assert [line.strip() for _, said in renewed for line in said.splitlines() if " rebase " in line] == REBASING

    site.stack = Stack(data_dir=directory / "data", port_base=site.port_base)
    async with running(site.stack):
        stopped = "select count(*) from reporting.standing where stopped and trouble like '%steward events rebase%'"
        await until(lambda: site.asked(stopped, "reporting"))
        await site.stack.halt(*WORKERS)
        for line in REBASING:
            code, said = await site.types(line, service=line.split()[4])
            assert code == 0, said
        await site.stack.resume(*WORKERS)
        await site.measure(4)
        code, found = await site.types(verify)

        assert [await site.reporting_holds(month) for month in (1, 2, 3, 4)] == [True, True, False, True]
        assert (code, found.count(": intact")) == (0, 3), found
        assert "goes on after a restore" in found
