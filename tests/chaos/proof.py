"""The proof: a Steward under load, harmed all the while, then left in peace, then compared with what it promised."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy.local.places import CHECKOUT, make_enterable
from deploy.local.processes import Programme
from deploy.local.stack import Events, Stack
from deploy.postgres.bootstrap import SERVICES
from tests.chaos.checker import Checked, Checker
from tests.chaos.counting import Counting
from tests.chaos.disk import Disk
from tests.chaos.ground import lay
from tests.chaos.wire import Wire, who_may_connect

REPLICAS = 2
FAR = tuple(f"{service}_worker_2" for service in SERVICES)
"""Who works at the far end of the wire."""
_BETWEEN_ANSWERS = 0.3
_BACK = -45 * 86_400
"""Steward's clock lives in the month before last, until the scores of that month shall be let out for good."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a proof is made."""

    events: Events
    seed: int
    seconds: float
    port_base: int = 23_000
    units: int = 200
    measuring: int = 2
    answering: int = 1
    batch: int = 50
    pause: float = 0.05
    """Seconds a client rests between two requests."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Settings that every service gets besides its own."""


class Proof:
    """A running Steward with its load, in a directory that is gone afterwards unless something was wrong."""

    def __init__(
        self, plan: Plan, directory: Path, report: Callable[[str], None], wire: Wire | None, not_cut: str | None
    ) -> None:
        self.plan, self.directory, self.wire = plan, directory, wire
        self.not_cut = not_cut
        """Why this machine cannot cut the wire that was asked for, if so."""
        self._report = report
        self._began = time.monotonic()
        self._load: list[subprocess.Popen[bytes]] = []
        self._ledgers: list[Path] = []
        self._noted = Noted()
        self.sound = True
        """False once a check has found a fault, or a request an answer 500: then the logs tell why, and are kept."""
        self.stack = Stack(
            events=plan.events,
            data_dir=directory / "data",
            port_base=plan.port_base,
            replicas=REPLICAS,
            alter=self._altered,
            report=self.report,
        )
        ports = self.stack.ports
        at = dict.fromkeys(FAR, wire.address if wire else "127.0.0.1")
        self.counting = Counting(
            {
                name: f"http://{at.get(name, '127.0.0.1')}:{ports.metrics(name)}/metrics"
                for service in SERVICES
                for name in (service, f"{service}_2", f"{service}_worker", f"{service}_worker_2")
            }
        )

    def report(self, what: str) -> None:
        """Say what happens, with the second in which it does."""
        self._report(f"{time.monotonic() - self._began:7.1f} s  {what}")

    @property
    def acknowledged(self) -> int:
        """How much has been written down so far."""
        return self._noted.count(self._ledgers)

    def start_load(self) -> None:
        """Start the clients, each a process of its own."""
        for number in range(1, self.plan.measuring + self.plan.answering + 1):
            measuring = number <= self.plan.measuring
            service = "goals" if measuring else "feedback"
            file = self.directory / f"acknowledged-{number}"
            options = {
                "kind": "measurements" if measuring else "answers",
                "number": number,
                "seed": self.plan.seed,
                "file": file,
                "units": self.plan.units,
                "batch": self.plan.batch,
                # Answers are no events: at full speed they would only take the machine from what makes some.
                "pause": self.plan.pause if measuring else max(self.plan.pause, _BETWEEN_ANSWERS),
            }
            urls = [self.stack.ports.urls_of(replica)[service] for replica in range(1, REPLICAS + 1)]
            command = [sys.executable, "-m", "tests.chaos.load", "--urls", *urls]
            command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
            token = {"CHAOS_TOKEN": self.stack.tokens["performance_officer"]} if measuring else {}
            with (self.directory / f"load-{number}.log").open("wb") as log:
                self._load.append(
                    subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **token}, stdout=log, stderr=log)  # noqa: TID251 - a child inherits what is no setting of ours
                )
            self._ledgers.append(file)

    async def load_runs(self, patience: float = 90.0) -> None:
        """Wait until every client has written something down."""
        async with asyncio.timeout(patience):
            while not all(file.exists() and file.stat().st_size for file in self._ledgers):  # noqa: ASYNC110 - files
                await asyncio.sleep(0.2)

    def last_mark(self) -> str:
        """Steward-Written of a value that was acknowledged just now."""
        lines = self._ledgers[0].read_bytes()[-100_000:].splitlines()[1:-1]
        last = next(each for each in map(json.loads, reversed(lines)) if each["kind"] == "value")
        return f"goals/{last['subject']}/{last['version']}"

    @property
    def refused(self) -> dict[str, int]:
        """How often clients were refused, by status and code."""
        counted: Counter[str] = Counter()
        for file in self.directory.glob("refused-*"):
            with file.open() as lines:
                counted.update(line.rstrip() for line in lines)
        return dict(counted.most_common())

    def load_goes_on(self) -> None:
        """Raise where a client has given up: an answer came that none should."""
        for number, process in enumerate(self._load, start=1):
            if process.poll():
                raise AssertionError((self.directory / f"load-{number}.log").read_text()[-2000:])

    async def stop_load(self, patience: float = 120.0) -> None:
        """Let each client come to know what became of its last request, and end."""
        for process in self._load:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                while any(process.poll() is None for process in self._load):  # noqa: ASYNC110 - processes tell nobody
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"A client was not answered within {patience:.0f} s.") from None
        self.load_goes_on()

    async def check(self) -> Checked:
        """Compare what is there with what was written down, once everything is at peace."""
        checker = Checker(urls=self.stack.urls, tokens=self.stack.tokens, report=self.report)
        clock = self.stack.directory / "clock"

        def let_scores_out() -> None:
            clock.write_text("0")

        checked = await asyncio.to_thread(
            checker.check,
            self._ledgers,
            self.directory / "truth.sqlite",
            let_scores_out=let_scores_out,
        )
        self.sound = not checked.faults.examples and not any(each.startswith("500") for each in self.refused)
        return checked

    def kill_load(self) -> None:
        """End clients that still run, whatever they are at."""
        for process in self._load:
            if process.poll() is None:
                process.kill()
                process.wait()

    def _altered(self, name: str, programme: Programme) -> Programme:
        if name == "postgres" and self.wire:
            return replace(
                programme, command=[*programme.command, "-c", f"hba_file={who_may_connect(self.directory, self.wire)}"]
            )
        if name.split("_")[0] in SERVICES:
            programme = replace(programme, environment={**programme.environment, **self.plan.environment})
        if name in FAR and self.wire:
            return self.wire.at_far_end(programme, metrics_port=self.stack.ports.metrics(name))
        return programme


class Noted:
    """How many acknowledgements files hold, counted as they grow."""

    def __init__(self) -> None:
        self._read: dict[Path, int] = {}
        self._lines = 0

    def count(self, files: list[Path]) -> int:
        """Count what has come since."""
        for file in files:
            if file.exists():
                with file.open("rb") as stream:
                    stream.seek(self._read.get(file, 0))
                    new = stream.read()
                self._read[file] = self._read.get(file, 0) + len(new)
                self._lines += new.count(b"\n")
        return self._lines


@asynccontextmanager
async def proof(
    plan: Plan, report: Callable[[str], None], *, with_wire: bool = False, disk: Disk | None = None
) -> AsyncIterator[Proof]:
    """A Steward with two replicas of everything, a ground to write on and the load running on it.

    With a wire some workers are at its far end; with a disk PostgreSQL has one of its own, which can be filled.
    """
    missing = Wire.missing() if with_wire else None
    if missing:
        report(f"The wire is not cut: {missing}.")
    directory = Path(tempfile.mkdtemp(prefix="steward-chaos-"))
    make_enterable(directory)
    try:
        with ExitStack() as resources:
            wire = resources.enter_context(Wire()) if with_wire and not missing else None
            if disk:
                resources.enter_context(disk.mounted(directory / "data" / "postgres"))
            made = Proof(plan, directory, report, wire, missing)
            async with _standing(made):
                yield made
    except BaseException:
        report(f"Logs and ledgers are kept in {directory}")
        raise
    if made.sound:
        shutil.rmtree(directory)
    else:
        report(f"Logs and ledgers are kept in {directory}")


@asynccontextmanager
async def _standing(made: Proof) -> AsyncIterator[None]:
    stack = made.stack
    stack.directory.mkdir(exist_ok=True)
    (stack.directory / "clock").write_text(str(_BACK))
    counting = None
    try:
        await stack.start()
        await lay(stack.urls, stack.tokens, made.plan.units)
        await stack.announce(loaded=True, seconds=0)
        counting = asyncio.create_task(made.counting.run())
        made.start_load()
        await made.load_runs()
        made.report("the load runs")
        yield
    finally:
        made.kill_load()
        if counting:
            counting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await counting
        await stack.stop()


def outcome(made: Proof, checked: Checked, **more: Any) -> dict[str, Any]:
    """The figures as they go to build/chaos.json."""
    faults = checked.faults
    return {
        "mode": made.plan.events,
        "seed": made.plan.seed,
        "minutes": round(made.plan.seconds / 60, 2),
        "acknowledged": checked.acknowledged,
        "events": sum(checked.events.values()),
        "logs": checked.events,
        "redelivered": round(made.counting.totals["steward_events_redelivered_total"]),
        "lost": faults.lost,
        "twice": faults.twice,
        "out_of_order": faults.out_of_order,
        "made_up": faults.made_up,
        "examples": faults.examples,
        "refused": made.refused,
        **more,
    }
