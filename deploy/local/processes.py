"""Keeping programmes running: started in sessions of their own, restarted when they die, gone when we are."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.places import Account, CannotRun

_TETHER = str(Path(__file__).with_name("tether.py"))
LOOK_AGAIN = 0.05
ASK_AGAIN = 0.1
"""Seconds between two questions whether a programme is ready: each costs it something while it starts or recovers."""
LONGEST_PAUSE = 1.0


def _nobody() -> Sequence[int]:
    return ()


@dataclass(frozen=True, slots=True)
class Programme:
    """What to run, how to tell that it is ready, and how to ask it to stop."""

    name: str
    command: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path("/")
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 60.0
    """Seconds until a start that does not become ready has failed."""
    left_behind: Callable[[], Sequence[int]] = _nobody
    """Processes of an earlier run that outlived it, though they can do nothing but stand in the way of the next."""


async def _nothing() -> None:
    return


class Child:
    """A running programme and the promise to run it again."""

    def __init__(self, programme: Programme, when_back: Callable[[], Awaitable[None]] = _nothing) -> None:
        self.programme = programme
        self._when_back = when_back
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None while there is no process."""
        return self._process.pid if self._process and self._process.poll() is None else None

    async def start(self, *, attempts: int = 1) -> None:
        """Start it, wait until it is ready, and restart it from then on; else CannotRun with the end of its log."""
        self.programme.log.write_bytes(b"")
        for attempt in range(1, attempts + 1):
            self._spawn()
            try:
                ready = await self._becomes_ready()
            except BaseException:
                await self._end()
                raise
            if ready:
                self._keeper = asyncio.create_task(self._keep())
                return
            await self._end()
            await asyncio.sleep(0.5 if attempt < attempts else 0)
        raise CannotRun(f"{self.programme.name} does not start; {self.programme.log} ends with:\n{self._tail()}")

    async def kept(self) -> None:
        """Wait as long as the promise holds; raises what broke it."""
        if self._keeper:
            await asyncio.shield(self._keeper)

    async def stop(self, patience: float = 10.0) -> None:
        """Ask it to stop, wait, and insist."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._end(patience)

    def _spawn(self) -> None:
        programme = self.programme
        for pid in programme.left_behind():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        account = f"{programme.account.uid}:{programme.account.gid}" if programme.account else "-"
        tether = [sys.executable, "-I", "-S", _TETHER, str(os.getpid()), str(int(programme.stop_signal)), account]
        with programme.log.open("ab") as log:
            # Popen and not asyncio's subprocess: the signal of a parent's death follows the thread that forked, and
            # this is the main one.
            self._process = subprocess.Popen(  # noqa: S603 - our own programmes
                [*tether, *programme.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=programme.directory,
                env={**os.environ, **programme.environment},  # noqa: TID251 - children inherit what is no setting of ours
                start_new_session=True,
            )

    async def _becomes_ready(self) -> bool:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.programme.patience
        while self.pid and clock() < deadline:
            if await self.programme.ready():
                return True
            await asyncio.sleep(ASK_AGAIN)
        return False

    async def _keep(self) -> None:
        pause = 0.0
        while True:
            await self._exit()
            await asyncio.sleep(pause)
            self._spawn()
            if await self._becomes_ready():
                pause = 0.0
                await self._when_back()
            else:
                await self._end()
                pause = min(LONGEST_PAUSE, pause * 2 or 0.1)

    async def _end(self, patience: float = 10.0) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self.programme.stop_signal)
            try:
                await asyncio.wait_for(self._exit(), patience)
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._process = None

    async def _exit(self) -> None:
        while True:
            if self.pid is None:
                return
            await asyncio.sleep(LOOK_AGAIN)

    def _tail(self, lines: int = 12) -> str:
        return "\n".join(self.programme.log.read_text(errors="replace").splitlines()[-lines:])


def processes_within(directory: Path, programme: str) -> list[int]:
    """The processes of a programme whose working directory this is; none where the system does not tell."""
    place, found = directory.resolve(), []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # By its name too: somebody's shell may stand there.
            if (process / "cwd").readlink() == place and (process / "comm").read_text().strip() == programme:
                found.append(int(process.name))
    return found


def check_port_free(port: int, purpose: str) -> None:
    """Raise CannotRun, naming port and purpose, where somebody else listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(f"Port {port} ({purpose}) is taken; choose another --port-base.") from error


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def answers(port: int, path: str) -> bool:
    """Whether an HTTP server there answers this path with 200."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            status = await asyncio.wait_for(reader.readline(), 2)
        finally:
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status
