"""Measured figures: two sides in one run, three runs, the median."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

RUNS = 3


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: how much was done in which time, and how long each time took."""

    count: int
    seconds: float
    latencies: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Times a second."""
        return self.count / self.seconds

    def percentile(self, share: float) -> float | None:
        """The latency, in milliseconds, that `share` of all stay below."""
        if len(self.latencies) < 2:
            return None
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)


def together(slices: Sequence[Side]) -> Side:
    """Several slices of one side as one."""
    return Side(
        sum(each.count for each in slices),
        sum(each.seconds for each in slices),
        tuple(taken for each in slices for taken in each.latencies),
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; latencies in milliseconds. `goal` is the least ratio, or with `at_most` the greatest."""

    name: str
    ours: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    goal: float | None = None
    ok: bool | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    peak_mb: float | None = None
    at_most: bool = False
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The figure as build/bench.json has it."""
        return asdict(self)


def judged(figure: Figure) -> Figure:
    """The figure with its ratio and whether that reaches the goal."""
    if figure.reference is None:
        return figure
    ratio = round(figure.ours / figure.reference, 3)
    if figure.goal is None:
        return replace(figure, ratio=ratio)
    return replace(figure, ratio=ratio, ok=ratio <= figure.goal if figure.at_most else ratio >= figure.goal)


def rates(name: str, ours: Side, reference: Side, *, unit: str, goal: float, note: str = "") -> Figure:
    """How often a second we do something, against how often the reference does."""
    return judged(
        Figure(
            name,
            round(ours.rate, 1),
            unit,
            reference=round(reference.rate, 1),
            goal=goal,
            p50=ours.percentile(0.50),
            p95=ours.percentile(0.95),
            p99=ours.percentile(0.99),
            note=note,
        )
    )


def latencies(name: str, ours: Side, reference: Side, *, share: float, goal: float | None, note: str = "") -> Figure:
    """How long we take, against how long the reference takes, both as the percentile `share`."""
    return judged(
        Figure(
            name,
            ours.percentile(share) or 0,
            "ms",
            reference=reference.percentile(share),
            goal=goal,
            at_most=True,
            p50=ours.percentile(0.50),
            p95=ours.percentile(0.95),
            p99=ours.percentile(0.99),
            note=note,
        )
    )


async def median_of(measure: Callable[[], Awaitable[Figure]], runs: int = RUNS) -> Figure:
    """The figure of the run whose ratio is the middle one."""
    found = [await measure() for _ in range(runs)]
    return middle(found)


def middle(found: Sequence[Figure]) -> Figure:
    """The figure with the middle ratio, or the middle value where there is no second side."""
    ordered = sorted(found, key=lambda figure: figure.ratio if figure.ratio is not None else figure.ours)
    chosen = ordered[len(ordered) // 2]
    spread = statistics.fmean(abs(each.ours - chosen.ours) for each in found) / chosen.ours if chosen.ours else 0
    noted = f"{chosen.note}; " if chosen.note else ""
    return replace(chosen, note=f"{noted}median of {len(found)} runs, spread {spread:.0%}")
