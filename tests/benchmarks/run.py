"""Measures Steward on this machine, each figure as a ratio of two sides, and writes build/bench.json.

`make bench ARGS="responses sequencer"` measures some of it; without names, all.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import Progress

from deploy.demo.load import load
from deploy.local.stack import Events, Stack
from shared.memory import spare_what_stays
from tests.benchmarks.consumption import measure_consumption
from tests.benchmarks.figures import Figure
from tests.benchmarks.freshness import measure_freshness
from tests.benchmarks.responses import measure_responses
from tests.benchmarks.scorecards import measure_scorecards
from tests.benchmarks.sequencing import measure_sequencer
from tests.benchmarks.starting import measure_start_and_memory

BUILD = Path(__file__).parents[2] / "build"
PORT_BASE = 9700
Measure = Callable[[Stack], Coroutine[Any, Any, list[Figure]]]
console = Console()


async def on_a_stack(events: Events, measure: Measure, *, loaded: bool) -> list[Figure]:
    """What is measured on a stack of its own, with the demo's record in it where that is asked for."""
    with tempfile.TemporaryDirectory(prefix="steward-bench-") as directory:
        stack = Stack(events=events, data_dir=Path(directory), port_base=PORT_BASE)
        try:
            await stack.start()
            if loaded:
                await load(stack.urls, stack.tokens, Progress(disable=True), stack.directory / "clock")
            spare_what_stays()  # what is measured in this process runs in a worker otherwise
            return await measure(stack)
        finally:
            await stack.stop()


BENCHMARKS: Mapping[str, Callable[[], Coroutine[Any, Any, list[Figure]]]] = {
    "responses": lambda: on_a_stack("feed", measure_responses, loaded=False),
    "sequencer": lambda: on_a_stack("feed", measure_sequencer, loaded=False),
    "freshness": lambda: on_a_stack("feed", measure_freshness, loaded=True),
    "freshness-kafka": lambda: on_a_stack("kafka", measure_freshness, loaded=True),
    "scorecards": lambda: on_a_stack("feed", measure_scorecards, loaded=False),
    "starting": lambda: on_a_stack("feed", measure_start_and_memory, loaded=True),
    "consumption": lambda: on_a_stack("feed", measure_consumption, loaded=False),
    "consumption-kafka": lambda: on_a_stack("kafka", measure_consumption, loaded=False),
}


def show(figures: list[Figure]) -> None:
    """Each figure in two lines."""
    for each in figures:
        console.print(f"[bold]{each.name}[/bold]: {each.ours} {each.unit}", highlight=False)
        if each.ratio is not None:
            goal = f", goal {'≤' if each.at_most else '≥'} {each.goal}" if each.goal is not None else ""
            verdict = {True: " [green]reached[/green]", False: " [red]missed[/red]", None: ""}[each.ok]
            console.print(f"  {each.ratio} of {each.reference} {each.unit}{goal}{verdict}", highlight=False)
        taken = {"p50": each.p50, "p95": each.p95, "p99": each.p99}
        said = [f"{name} {value} ms" for name, value in taken.items() if value is not None]
        console.print("  " + "; ".join([*([", ".join(said)] if said else []), *([each.note] if each.note else [])]))


def main() -> None:
    """Measure what is named, keep what an earlier run measured of the rest, and print it all."""
    names = sys.argv[1:] or list(BENCHMARKS)
    file = BUILD / "bench.json"
    BUILD.mkdir(exist_ok=True)
    earlier = json.loads(file.read_text()) if file.exists() else []
    kept: dict[str, list[dict[str, Any]]] = {}
    for each in earlier:
        kept.setdefault(each["benchmark"], []).append(each)
    for name in names:
        console.print(f"measuring {name} …")
        figures = uvloop.run(BENCHMARKS[name]())  # as services and workers do
        show(figures)
        kept[name] = [{"benchmark": name, **each.as_json()} for each in figures]
        file.write_text(json.dumps([figure for some in kept.values() for figure in some], indent=2) + "\n")


if __name__ == "__main__":
    main()
