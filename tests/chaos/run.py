"""`make chaos`: harm a Steward under load for some minutes and write what is left of it to build/chaos.json."""

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local.kafka import missing_tools
from deploy.local.places import CHECKOUT
from deploy.local.stack import Events
from tests.chaos.harm import Harm, Temper
from tests.chaos.proof import FAR, Plan, Proof, outcome, proof
from tests.chaos.scenarios import SCENARIOS, Scenario, Skipped

RESULT = CHECKOUT / "build" / "chaos.json"
_EVERY = 5.0


async def everything_at_random(
    plan: Plan, report: Callable[[str], None], *, temper: Temper | None = None, goal: int = 0
) -> dict[str, Any]:
    """Parts killed, workers paused, a wire cut, for as long as the plan says or until the logs hold `goal` events."""
    async with proof(plan, report, with_wire=True) as made:
        harm = Harm(made.stack, seed=plan.seed, temper=temper or Temper(), wire=made.wire, far=FAR, report=made.report)
        harming = asyncio.create_task(harm.run())
        try:
            await _until_over(made, harm, goal)
        finally:
            harm.stop()
            await harming
        await harm.everything_runs()
        made.report("everything runs again; letting the clients finish")
        await made.stop_load()
        checked = await made.check()
        return outcome(
            made,
            checked,
            kills=dict(sorted(harm.kills.items())),
            pauses=harm.pauses,
            cuts=harm.cuts,
            dropped_packets=made.wire.dropped if made.wire else None,
            not_cut=made.not_cut,
            broken=harm.undone,
        )


async def _until_over(made: Proof, harm: Harm, goal: int) -> None:
    ends = time.monotonic() + made.plan.seconds
    while time.monotonic() < ends or goal:
        await asyncio.sleep(_EVERY)
        made.load_goes_on()
        positions = [made.counting.log_position(service) for service in made.stack.urls]
        made.report(
            f"{made.acknowledged} acknowledged, {sum(positions)} events, {harm.kills.total()} kills, "
            f"{harm.pauses} pauses, {harm.cuts} cuts"
        )
        if goal and sum(positions) >= goal:
            return


def say(what: str) -> None:
    """A line at once, also where a pipe reads it."""
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def sound(result: dict[str, Any]) -> bool:
    """Whether nothing was lost, doubled, out of order or made up, and every other promise kept."""
    return not any(result.get(name) for name in ("lost", "twice", "out_of_order", "made_up", "broken"))


def main() -> None:
    """Run what the command line asks for; exit 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--events", choices=["feed", "kafka", "both"], default="both")
    parser.add_argument("--events-goal", type=int, default=0, help="go on until the logs hold so many events")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default=None)
    parser.add_argument("--port-base", type=int, default=23_000)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(1_000_000)  # noqa: S311 - printed, to be repeated
    modes: list[Events] = ["feed", "kafka"] if given.events == "both" else [given.events]
    results = []
    for mode in modes:
        if mode == "kafka" and (missing := missing_tools()):
            sys.exit(missing)
        full = given.events_goal > 0
        plan = Plan(
            events=mode,
            seed=seed,
            seconds=given.minutes * 60,
            port_base=given.port_base,
            units=2_000 if full else 200,
            batch=400 if full else 50,
            pause=0.0 if full else 0.05,
        )
        say(f"Chaos over {mode}, seed {seed}")
        at_random: Scenario = partial(everything_at_random, goal=given.events_goal)
        scenario = SCENARIOS.get(given.scenario, at_random)
        try:
            result = asyncio.run(_interruptible(scenario(plan, say)))
        except Skipped as reason:
            say(f"Left out: {reason}.")
            continue
        results.append({"scenario": given.scenario or "at-random", **result})
        say(json.dumps(results[-1], indent=2))
        write(results)
    sys.exit(0 if all(map(sound, results)) else 1)


async def _interruptible(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """The work; told to stop, it ends what it has started before it does."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def write(results: list[dict[str, Any]], file: Path = RESULT) -> None:
    """Keep the figures of the newest run of each scenario in each mode."""
    file.parent.mkdir(exist_ok=True)
    kept = json.loads(file.read_text()) if file.exists() else []
    ours = {(each["scenario"], each["mode"]) for each in results}
    kept = [each for each in kept if (each["scenario"], each["mode"]) not in ours]
    file.write_text(json.dumps([*kept, *results], indent=2) + "\n")


if __name__ == "__main__":
    main()
