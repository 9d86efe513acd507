"""A wire that can be cut: processes in a network of their own, whose packets vanish while their sockets stay open.

The far end of a veth pair lies in a network namespace without a loopback address, and 127.0.0.0/8 is routed through
the pair; so a process in there talks to everything on this machine under the addresses it has anyway, but over a wire.
Cut, both ends address their frames to nobody: nothing is refused, nothing is closed, nothing arrives.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from deploy.local.processes import Programme

_NOBODY = "02:00:00:00:de:ad"


@dataclass(frozen=True, slots=True)
class _End:
    device: str
    address: str
    hardware: str
    inside: Sequence[str]
    """What a command is preceded by to be run at this end."""


class Wire:
    """A pair of network devices; enter it as root, and put programmes at its far end."""

    def __init__(self) -> None:
        number = os.getpid() % 16_000
        subnet = f"10.203.{number // 64}.{number % 64 * 4}"
        first, _, last = subnet.rpartition(".")
        self.network = f"{subnet}/30"
        self.name = f"steward-{os.getpid()}"
        self.address = f"{first}.{int(last) + 2}"
        """The address of the far end."""
        self._namespace = ("ip", "netns", "exec", self.name)
        self._near = _End(f"stw{number}n", f"{first}.{int(last) + 1}", f"02:00:00:00:{number >> 8:02x}:01", ())
        self._far = _End(f"stw{number}f", self.address, f"02:00:00:00:{number >> 8:02x}:02", self._namespace)
        self.dropped = 0
        """How many packets did not arrive in the cuts that are over."""
        self._sent_before: int | None = None

    @staticmethod
    def missing() -> str | None:
        """One line saying why this machine can have no such wire, or None where it can."""
        if os.geteuid() != 0:
            return "cutting a wire needs root, to make a network namespace"
        if shutil.which("ip") is None:
            return "cutting a wire needs ip (apt install iproute2)"
        try:
            with Wire():
                return None
        except OSError as error:
            return f"this kernel or container allows no network of one's own ({error})"

    def __enter__(self) -> Self:
        near, far = self._near, self._far
        _run("ip", "netns", "add", self.name)
        try:
            ends = ("address", near.hardware, "type", "veth", "peer", "name", far.device, "address", far.hardware)
            _run("ip", "link", "add", near.device, *ends, "netns", self.name)
            for end in (near, far):
                _run(*end.inside, "ip", "address", "add", f"{end.address}/30", "dev", end.device)
                _run(*end.inside, "ip", "link", "set", end.device, "up")
                _write(end, f"conf/{end.device}/route_localnet")
            _run(*far.inside, "ip", "route", "add", "127.0.0.0/8", "via", near.address, "src", far.address)
            self.mend()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        _says("ip", "link", "del", self._near.device)  # at once, while a namespace takes its time with what is in it
        _says("ip", "netns", "del", self.name)

    def cut(self) -> None:
        """From now on nothing arrives, on either side."""
        self._sent_before = self._sent()
        self._address_frames(to=None)

    def mend(self) -> None:
        """From now on everything arrives."""
        self._address_frames(to=(self._near, self._far))
        if self._sent_before is not None:
            self.dropped += self._sent() - self._sent_before
            self._sent_before = None

    def command(self, command: Sequence[str]) -> list[str]:
        """A command, as it is run at the far end."""
        return [shutil.which("ip") or "ip", *self._namespace[1:], *command]

    def at_far_end(self, programme: Programme, *, metrics_port: int) -> Programme:
        """The programme, run at the far end; it is ready once its metrics can be asked for over the wire."""
        return replace(
            programme,
            command=self.command(programme.command),
            ready=partial(_reaches, self.address, metrics_port),
            environment={**programme.environment, "STEWARD_METRICS_HOST": "0.0.0.0"},  # noqa: S104 - inside its own network
        )

    def _sent(self) -> int:
        return _sent(self._near) + _sent(self._far)

    def _address_frames(self, to: tuple[_End, _End] | None) -> None:
        for end, other in ((self._near, self._far), (self._far, self._near)):
            hardware = other.hardware if to else _NOBODY
            neighbour = ("ip", "neighbour", "replace", other.address, "lladdr", hardware, "nud", "permanent")
            _run(*end.inside, *neighbour, "dev", end.device)


def who_may_connect(directory: Path, wire: Wire) -> Path:
    """A file that lets PostgreSQL take connections from both ends, each with its password."""
    file = directory / "pg_hba.conf"
    file.write_text("".join(f"host all all {network} scram-sha-256\n" for network in ("127.0.0.1/32", wire.network)))
    file.chmod(0o644)
    return file


def _sent(end: _End) -> int:
    """How many packets an end has sent."""
    path = f"/sys/class/net/{end.device}/statistics/tx_packets"
    return int(subprocess.run([*end.inside, "cat", path], capture_output=True, check=True).stdout)


async def _reaches(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 1)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _write(end: _End, setting: str) -> None:
    path = f"/proc/sys/net/ipv4/{setting}"
    if end.inside:
        _run(*end.inside, "sh", "-c", f"echo 1 > {path}")
    else:
        Path(path).write_text("1")


def _run(*command: str) -> None:
    if said := _says(*command):
        raise OSError(f"«{' '.join(command)}»: {said}")


def _says(*command: str) -> str:
    """What a command complains of, or nothing if it succeeds."""
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    return (outcome.stderr.strip() or f"exit {outcome.returncode}") if outcome.returncode else ""
