"""What is done to a running Steward: parts killed, workers paused, a wire cut; all of it drawn from one seed."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from deploy.local.running import READY_FILE
from deploy.local.stack import Stack
from tests.chaos.wire import Wire

_BETWEEN_KILLS = (0.5, 4.0)
_NEXT_DIES_AFTER = 8.0
_BACK_WITHIN = 90.0


def kind_of(part: str) -> str:
    """What a part is: an API or a worker, whichever service and replica, or a server of its own."""
    return part if part in {"postgres", "kafka"} else "a worker" if "_worker" in part else "an API"


@dataclass(frozen=True, slots=True)
class Temper:
    """How long the harm is that is not a kill."""

    pause: float = 30.0
    between: float = 20.0
    """Seconds between two pauses, and between two cuts."""


class Harm:
    """Kills, pauses and cuts side by side until it is stopped; counts what it has done."""

    def __init__(
        self,
        stack: Stack,
        *,
        seed: int,
        temper: Temper,
        wire: Wire | None,
        far: Sequence[str],
        report: Callable[[str], None],
    ) -> None:
        self._stack, self._temper, self._wire, self._report = stack, temper, wire, report
        self._far = far
        self._chance = [random.Random(seed * 10 + number) for number in range(3)]  # noqa: S311 - to be repeated
        self._stopped = asyncio.Event()
        self._paused: set[str] = set()
        self.kills: Counter[str] = Counter()
        self.pauses = 0
        self.cuts = 0

    async def run(self) -> None:
        """Do harm until `stop`; when this returns, everything runs and every packet arrives."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kill_parts())
            group.create_task(self._pause_workers())
            if self._wire:
                group.create_task(self._cut(self._wire))

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()

    async def everything_runs(self) -> None:
        """Wait until each part has a process again; a part that does not come back raises."""
        async with asyncio.timeout(_BACK_WITHIN):
            while None in (self._stack.pids[name] for name in self._parts()):  # noqa: ASYNC110 - processes tell nobody
                await asyncio.sleep(0.2)

    @property
    def undone(self) -> list[str]:
        """What was to be done and never was, for want of time: a proof without it proves less than it says."""
        killed = {kind_of(name) for name in self.kills}
        undone = [f"{kind} was never killed" for kind in sorted({kind_of(name) for name in self._parts()} - killed)]
        undone += [] if self.pauses else ["no worker was paused"]
        if self._wire and not self._wire.dropped:
            undone.append(f"the wire was cut {self.cuts} times and no packet was dropped")
        return undone

    def _parts(self) -> list[str]:
        return [name for name in self._stack.pids if name != "issuer" and (name != "kafka" or self._stack.kafka)]

    async def _pass(self, seconds: float) -> bool:
        """Wait; False once it is time to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        return not self._stopped.is_set()

    async def _kill_parts(self) -> None:
        chance = self._chance[0]
        parts = self._parts()
        # Everything hangs on these two: they are as likely as any other kind of part.
        parts += [name for name in ("postgres", "kafka") if name in parts] * 2
        first = sorted({kind_of(name) for name in parts})
        chance.shuffle(first)  # one of each kind, before anything is killed twice
        while await self._pass(chance.uniform(*_BETWEEN_KILLS)):
            name = chance.choice([part for part in parts if not first or kind_of(part) == first[-1]])
            if (killed := self._kill(name)) is not None:
                del first[-1:]
                await self._back(name, killed)

    def _kill(self, name: str) -> int | None:
        """Kill a part, and say which process that was; who is paused or not there is left alone."""
        pid = self._stack.pids[name]
        if pid is None or name in self._paused:
            return None
        os.kill(pid, signal.SIGKILL)
        self.kills[name] += 1
        self._report(f"killed {name}")
        return pid

    async def _back(self, name: str, killed: int) -> None:
        """Wait until a part answers again, but not for ever: on a busy machine the next one dies before that."""
        ready = self._stack.directory / READY_FILE
        for _ in range(round(_NEXT_DIES_AFTER / 0.1)):
            if self._stopped.is_set() or json.loads(ready.read_text())["pids"][name] not in {None, killed}:
                return
            await asyncio.sleep(0.1)

    async def _pause_workers(self) -> None:
        chance, temper = self._chance[1], self._temper
        workers = [name for name in self._stack.pids if "_worker" in name]
        while await self._pass(temper.between):
            name = chance.choice(workers)
            if (pid := self._stack.pids[name]) is None:
                continue
            self._paused.add(name)
            os.kill(pid, signal.SIGSTOP)
            self.pauses += 1
            self._report(f"paused {name}")
            await self._pass(temper.pause)
            self._paused.discard(name)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _cut(self, wire: Wire) -> None:
        """Cut, and sometimes kill somebody meanwhile: at the other end nobody hears of it."""
        chance, temper = self._chance[2], self._temper
        while await self._pass(temper.between):
            wire.cut()
            self.cuts += 1
            self._report("cut the wire")
            try:
                await self._pass(temper.pause / 2)
                victim = chance.choice([*self._far, "postgres", *[None] * len(self._far)])
                if victim and not self._stopped.is_set():
                    self._kill(victim)
                await self._pass(temper.pause / 2)
            finally:
                wire.mend()
                self._report(f"mended the wire after {wire.dropped} packets in all were dropped")
