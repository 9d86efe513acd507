"""What is done to Steward on purpose, by name; each says which promises were broken, if any."""

import asyncio
import contextlib
import math
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from deploy.local.ports import replica
from deploy.postgres.bootstrap import SERVICES
from tests.chaos.disk import Disk
from tests.chaos.proof import Plan, Proof, outcome, proof
from tests.chaos.restoring import keep_copy, put_back
from tests.chaos.wire import Wire

Result = dict[str, Any]
Report = Callable[[str], None]
Scenario = Callable[[Plan, Report], Coroutine[Any, Any, Result]]
WARM_UP = 5.0
"""Seconds of load before anything is done."""
_NOTICED_WITHIN = 120.0
_OVER_A_WIRE = 45.0
"""Seconds within which what has vanished must be done without, and what is back must be at work."""
_MOST_WAITING = 500
_REFUSED = "503 too_much_waiting"
_A_CUT_TAKES = 60.0
_DISK_MEGABYTES = 400
_STOPPED = "steward_consumer_stopped{source=goals}"


class Skipped(Exception):
    """This machine or this event mode cannot do it; the message says why."""


async def broker_down(plan: Plan, report: Report) -> Result:
    """The broker is away for as long as the plan says: writes and reads go on, and then everything arrives."""
    if plan.events != "kafka":
        raise Skipped("there is no broker where events travel over feeds")
    async with proof(plan, report) as made, _reading(made) as reads:
        await asyncio.sleep(WARM_UP)
        await made.stack.halt("kafka")
        made.report("the broker is down")
        before = made.acknowledged
        await _watch(made, plan.seconds)
        meanwhile = made.acknowledged - before
        await made.stack.resume("kafka")
        made.report(f"the broker is back; {meanwhile} writes were acknowledged meanwhile")
        await made.stop_load()
        checked = await made.check()
        broken = [] if meanwhile else ["no write was acknowledged while the broker was down"]
        return outcome(
            made, checked, acknowledged_meanwhile=meanwhile, reads=dict(reads), broken=broken + _failed(reads)
        )


async def disk_full(plan: Plan, report: Report) -> Result:
    """PostgreSQL's disk is full for as long as the plan says: writes are refused and say until when, none is lost."""
    if missing := Disk.missing():
        raise Skipped(missing)
    disk = Disk(_DISK_MEGABYTES)
    async with proof(plan, report, disk=disk) as made:
        await asyncio.sleep(WARM_UP)
        before, refused_before = made.acknowledged, _total(made.refused)
        made.report(f"the disk is full: {disk.fill() >> 20} MB were free")
        async with _kept_full(disk):
            await _watch(made, plan.seconds)
        refused = _total(made.refused) - refused_before
        disk.make_room()
        made.report(f"there is space again; {refused} requests were refused, {made.acknowledged - before} acknowledged")
        await _until(lambda: _all_run(made), "a part does not come back")
        full = made.acknowledged
        await _until(lambda: made.acknowledged > full, "no write is acknowledged although there is space")
        await made.stop_load()
        checked = await made.check()
        return outcome(made, checked, broken=[] if refused else ["nothing was refused: the disk was not full"])


async def back_pressure(plan: Plan, report: Report) -> Result:
    """Nobody works off what waits: at a small limit writes are refused and reads go on; then all is drained."""
    plan = replace(plan, environment={**plan.environment, "STEWARD_MOST_WAITING": str(_MOST_WAITING)})
    workers = [replica(f"{service}_worker", number) for service in SERVICES for number in (1, 2)]
    async with proof(plan, report) as made, _reading(made) as reads:
        await asyncio.sleep(WARM_UP)
        await made.stack.halt(*workers)
        made.report("no worker works")
        await _until(lambda: _REFUSED in made.refused, "no write is refused")
        before = sum(made.refused.values())
        await _watch(made, plan.seconds)
        meanwhile = sum(made.refused.values()) - before
        await made.stack.resume(*workers)
        made.report(f"the workers are back; {meanwhile} requests were refused meanwhile")
        full = made.acknowledged
        await _until(lambda: made.acknowledged > full, "no write is acknowledged although the queues are worked off")
        await made.stop_load()
        checked = await made.check()
        broken = [f"refused as {what}" for what in made.refused if what != _REFUSED]
        return outcome(made, checked, reads=dict(reads), broken=broken + _failed(reads))


async def restore(plan: Plan, report: Report) -> Result:
    """The database of goals is set back to an earlier state under load: every follower stops and reports it.

    What was acknowledged in between is gone, as with any restore, so that is not compared.
    """
    async with proof(plan, report) as made:
        await asyncio.sleep(WARM_UP)
        await keep_copy(made.stack.database_url, "goals")
        made.report("a copy of the database of goals is kept")
        await _watch(made, max(WARM_UP, plan.seconds / 4))
        await put_back(made.stack.database_url, "goals")
        made.report("the database of goals is back where it was")
        clock = asyncio.get_running_loop().time
        began = clock()
        noticed: dict[str, float] = {}
        followers = ("feedback", "reporting")
        while clock() - began < _NOTICED_WITHIN and len(noticed) < len(followers):
            await asyncio.sleep(0.5)
            for follower in followers:
                if follower not in noticed and _reports_stop(made, follower):
                    noticed[follower] = round(clock() - began, 1)
                    made.report(f"{follower} has stopped and says so")
        silent = [f"{follower} has not reported the restore" for follower in followers if follower not in noticed]
        return {"mode": plan.events, "seed": plan.seed, "noticed_after_seconds": noticed, "broken": silent}


async def wire_cut(plan: Plan, report: Report) -> Result:
    """Workers vanish: no packet arrives, no socket closes. Others take over, and later they find back by themselves."""
    if missing := Wire.missing():
        raise Skipped(missing)
    plan = replace(plan, batch=10, pause=0.5)  # nothing may queue up: what is measured is how soon the newest is shown
    near = [f"{service}_worker" for service in SERVICES]
    took_over, found_back = [], []
    async with proof(plan, report, with_wire=True) as made:
        assert made.wire
        for _ in range(max(1, round(plan.seconds / _A_CUT_TAKES))):
            await made.stack.halt(*near)
            made.report("only the workers at the far end of the wire work")
            await asyncio.sleep(WARM_UP)
            made.wire.cut()
            await made.stack.resume(*near)
            took_over.append(await _seconds_until_shown(made))
            made.report(f"cut off; the others took over after {took_over[-1]} s")
            postgres = made.stack.pids["postgres"]
            assert postgres
            os.kill(postgres, signal.SIGKILL)
            await asyncio.sleep(WARM_UP)
            made.wire.mend()
            await made.stack.halt(*near)
            found_back.append(await _seconds_until_shown(made))
            made.report(f"mended after PostgreSQL was killed unheard; they found back after {found_back[-1]} s")
            await made.stack.resume(*near)
        await made.stop_load()
        checked = await made.check()
        broken = [f"it took {after} s" for after in (*took_over, *found_back) if after > _OVER_A_WIRE]
        return outcome(
            made,
            checked,
            took_over_after_seconds=took_over,
            found_back_after_seconds=found_back,
            dropped_packets=made.wire.dropped,
            broken=broken,
        )


async def _seconds_until_shown(made: Proof) -> float:
    """How long it takes until reporting shows what was acknowledged last; infinite if it takes too long."""
    clock = asyncio.get_running_loop().time
    began = clock()
    mark, address = {"Steward-After": made.last_mark()}, f"{made.stack.urls['reporting']}/v1/scorecards"
    async with httpx.AsyncClient(timeout=20, trust_env=False, headers=mark) as client:
        while clock() - began < _NOTICED_WITHIN:
            made.load_goes_on()
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(address, params={"wait": 5, "limit": 1})
                if answer.status_code == 200:
                    return round(clock() - began, 1)
            await asyncio.sleep(0.2)
    return math.inf


def _reports_stop(made: Proof, service: str) -> bool:
    workers = (f"{service}_worker", f"{service}_worker_2")
    return any(made.counting.gauges.get((worker, _STOPPED)) == 1 for worker in workers)


async def _watch(made: Proof, seconds: float) -> None:
    """Let it run, and say every few seconds where it is."""
    left = seconds
    while left > 0:
        await asyncio.sleep(min(5.0, left))
        left -= 5.0
        made.load_goes_on()
        made.report(f"{made.acknowledged} acknowledged, refused {made.refused}")


async def _until(done: Callable[[], bool], otherwise: str, patience: float = 120.0) -> None:
    try:
        async with asyncio.timeout(patience):
            while not done():  # noqa: ASYNC110 - processes and files tell nobody
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(otherwise) from None


def _all_run(made: Proof) -> bool:
    wanted = {name for name in made.stack.pids if name != "kafka" or made.stack.kafka}
    return all(made.stack.pids[name] for name in wanted)


def _total(refused: dict[str, int]) -> int:
    return sum(count for what, count in refused.items() if what.startswith("503"))


def _failed(reads: Counter[str]) -> list[str]:
    return [f"reads of {what} failed" for what in reads if not what.endswith(" 200")]


@asynccontextmanager
async def _kept_full(disk: Disk) -> AsyncIterator[None]:
    """Whatever becomes free is taken at once."""

    async def keep() -> None:
        while True:
            disk.fill()
            await asyncio.sleep(0.2)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        await _ended(keeping)


@asynccontextmanager
async def _reading(made: Proof) -> AsyncIterator[Counter[str]]:
    """Readers of goals and of reporting all the while; counts their answers by service and status."""
    answers: Counter[str] = Counter()
    paths = {"goals": "/v1/measurements?limit=1", "reporting": "/v1/scorecards?limit=5"}
    headers = {"Authorization": f"Bearer {made.stack.tokens['analyst']}"}

    async def read() -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False, headers=headers) as client:
            while True:
                for service, path in paths.items():
                    answer = await client.get(made.stack.urls[service] + path)
                    answers[f"{service} {answer.status_code}"] += 1
                await asyncio.sleep(0.3)

    reading = asyncio.create_task(read())
    try:
        yield answers
        if reading.done():
            reading.result()
    finally:
        await _ended(reading)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


SCENARIOS: dict[str, Scenario] = {
    "back-pressure": back_pressure,
    "broker-down": broker_down,
    "disk-full": disk_full,
    "restore": restore,
    "wire-cut": wire_cut,
}
