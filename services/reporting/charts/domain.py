"""XmR control charts: whether a number has changed for a reason, and whether its process can be relied on.

The rules are those of "Making Data Count", equal to NHSRplotthedots 0.2.2 wherever that gives an answer. Statistics
are in double precision and rounded only when they are shown.

Decided here, because the package leaves it open:
- A missing period is a gap: no moving range reaches across it, and no trend, run or two-in-three goes on after it.
- A process that has not moved at all has limits on its centre line, no special cause, and is sure of its target or
  sure to miss it. (The package finds no limits for it, and calls a target that was never met "inconsistent".)
- The package screens large ranges also where only ranges of zero are left; then one odd month in a record that stands
  at 100 % makes every other month a special cause. `xmr` does so too; `leaves_something` says when not to ask for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import fsum
from typing import Literal
from uuid import UUID

from services.reporting.charts.errors import NotAChart

Direction = Literal["increase", "decrease", "neutral"]
Rule = Literal["common", "outside_limits", "trend", "two_in_three", "shift"]
Kind = Literal["common", "improvement", "concern", "neutral_high", "neutral_low"]
Variation = Literal[
    "common", "improvement_high", "improvement_low", "concern_high", "concern_low", "neutral_high", "neutral_low"
]
Assurance = Literal["consistent_pass", "consistent_fail", "inconsistent"]

LIMIT = 2.66
"""3 / 1.128: three standard deviations, as estimated from the mean moving range of neighbours."""
SCREEN = 3.267
"""A range beyond this many mean ranges does not count towards the mean range."""
RUN = 7
SHORT = 13
"""With fewer points than this the limits are rough."""
LEAST_BASELINE = 12
RULE_SET: Mapping[str, str | int | float] = {
    "name": "xmr-making-data-count",
    "version": 1,
    "limit": LIMIT,
    "screen": SCREEN,
    "run": RUN,
    "trend": RUN,
    "near_limit": "2 of 3 beyond two thirds of the limit",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a stretch of the record says about itself; None where it holds too little to say it."""

    centre: float | None
    moving_range: float | None
    lower: float | None
    upper: float | None
    near_lower: float | None
    near_upper: float | None

    def side(self, value: float) -> int:
        """1 above the centre line, -1 below it, 0 on it."""
        return 0 if self.centre is None else (value > self.centre) - (value < self.centre)

    def outside(self, value: float) -> bool:
        """Whether the value lies beyond the limits; on them is inside."""
        return self.upper is not None and self.lower is not None and (value > self.upper or value < self.lower)

    def near(self, value: float) -> bool:
        """Whether the value lies in the outer third on the way to a limit."""
        if self.near_upper is None or self.near_lower is None or self.outside(value):
            return False
        return value > self.near_upper or value < self.near_lower


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch between two rebases, with the limits that hold in it."""

    first: int
    after: int
    limits: Limits
    points: int

    @property
    def short(self) -> bool:
        """Whether the limits rest on too few points to be firm."""
        return self.points < SHORT


@dataclass(frozen=True, slots=True)
class Point:
    """One period on the chart; a value of None is a gap."""

    value: float | None
    target: float | None
    segment: int
    side: int = 0
    outside: bool = False
    near: bool = False
    rule: Rule = "common"
    high: bool = False
    """For a special cause: whether it points upwards (above the centre, or rising)."""
    kind: Kind = "common"


@dataclass(frozen=True, slots=True)
class Xmr:
    """A control chart with its judgement; variation is that of the newest reported point."""

    points: tuple[Point, ...]
    segments: tuple[Segment, ...]
    variation: Variation | None
    assurance: Assurance | None
    screened: bool
    """Whether large ranges were left out; stands beside RULE_SET wherever the chart is shown."""

    def limits_at(self, index: int) -> Limits:
        """The limits that hold for a point."""
        return self.segments[self.points[index].segment].limits


@dataclass(frozen=True, slots=True)
class StoredChart:
    """The chart of one result at one frequency, with the first day of each of its points."""

    result_id: UUID
    frequency: Literal["month", "quarter", "year", "record"]
    starts: tuple[date, ...]
    xmr: Xmr


def xmr(
    values: Sequence[float | None],
    *,
    direction: Direction,
    target: float | Sequence[float | None] | None = None,
    rebase_at: Sequence[int] = (),
    baseline: int | None = None,
    screen: bool = True,
) -> Xmr:
    """The control chart of one series, in the order of its periods; of many series, one by one.

    `rebase_at` holds the indices at which new limits begin; `baseline` lets only the first so many reported points of
    each segment decide the limits, and the later ones be judged by them.
    """
    if baseline is not None and baseline < LEAST_BASELINE:
        raise NotAChart(f"A baseline has at least {LEAST_BASELINE} points.")
    targets = list(target) if isinstance(target, Sequence) else [target] * len(values)
    if len(targets) != len(values):
        raise NotAChart("There must be one target for each point.")
    starts = sorted({0, *(at for at in rebase_at if 0 < at < len(values))}) if values else []
    segments: list[Segment] = []
    points: list[Point] = []
    for number, (first, after) in enumerate(pairwise([*starts, len(values)])):
        part = values[first:after]
        limits = _limits(part, baseline=baseline, screen=screen)
        segments.append(Segment(first, after, limits, sum(value is not None for value in part)))
        points.extend(_judged(part, targets[first:after], limits, number, direction))
    return Xmr(tuple(points), tuple(segments), _variation(points), _assurance(points, segments, direction), screen)


def leaves_something(values: Sequence[float | None]) -> bool:
    """Whether a range above zero is left once the large ones are screened out."""
    ranges = _ranges(values)
    return any(0 < size < SCREEN * fsum(ranges) / len(ranges) for size in ranges)


def _limits(values: Sequence[float | None], *, baseline: int | None, screen: bool) -> Limits:
    part = _first(values, baseline)
    known = [value for value in part if value is not None]
    if not known:
        return Limits(None, None, None, None, None, None)
    # Not the quotient for a constant series: 14 × 0.1 / 14 is not 0.1, and each point would be "below the centre".
    centre = known[0] if min(known) == max(known) else fsum(known) / len(known)
    ranges = _ranges(part)
    if not ranges:
        return Limits(centre, None, None, None, None, None)
    moving = fsum(ranges) / len(ranges)
    kept = [size for size in ranges if size < SCREEN * moving] if screen else ranges
    if kept:
        moving = fsum(kept) / len(kept)
    reach = LIMIT * moving
    near = reach * 2 / 3
    return Limits(centre, moving, centre - reach, centre + reach, centre - near, centre + near)


def _ranges(values: Sequence[float | None]) -> list[float]:
    """The differences between neighbours that are both known: none reaches across a gap."""
    return [abs(b - a) for a, b in pairwise(values) if a is not None and b is not None]


def _first(values: Sequence[float | None], count: int | None) -> Sequence[float | None]:
    """The stretch that holds the first `count` known values."""
    if count is None:
        return values
    known = [index for index, value in enumerate(values) if value is not None]
    return values[: known[count - 1] + 1] if len(known) > count else values


def _judged(
    values: Sequence[float | None],
    targets: Sequence[float | None],
    limits: Limits,
    segment: int,
    direction: Direction,
) -> list[Point]:
    side = [0 if value is None else limits.side(value) for value in values]
    outside = [value is not None and limits.outside(value) for value in values]
    near = [value is not None and limits.near(value) for value in values]
    trend = _trends(values)
    close = _two_in_three(side, near)
    shift = _shifts(side)
    judged = []
    for index, value in enumerate(values):
        # In this order: a point that several rules flag carries the first of them.
        rule: Rule = "common"
        step = side[index]
        if outside[index]:
            rule = "outside_limits"
        elif trend[index]:
            rule, step = "trend", trend[index]
        elif close[index]:
            rule = "two_in_three"
        elif shift[index]:
            rule = "shift"
        special = rule != "common"
        seen = (side[index], outside[index], near[index], rule, special and step > 0)
        judged.append(Point(value, targets[index], segment, *seen, _kind(step, direction) if special else "common"))
    return judged


def _kind(step: int, direction: Direction) -> Kind:
    if direction == "neutral":
        return "neutral_high" if step > 0 else "neutral_low"
    return "improvement" if (step > 0) == (direction == "increase") else "concern"


def _trends(values: Sequence[float | None]) -> list[int]:
    """1 or -1 for each of seven points that only rise or only fall; where two trends meet, the later one wins."""
    steps = [0 if a is None or b is None else (b > a) - (b < a) for a, b in pairwise(values)]
    found = [0] * len(values)
    for first in range(len(values) - RUN + 1):
        run = steps[first : first + RUN - 1]
        if run[0] != 0 and all(step == run[0] for step in run):
            # Windows come from left to right, so that a later trend overwrites the turning point of an earlier one.
            found[first : first + RUN] = [run[0]] * RUN
    return found


def _two_in_three(side: Sequence[int], near: Sequence[bool]) -> list[bool]:
    """Near points of which two lie within three neighbours that are all on one side."""
    found = [False] * len(side)
    for first in range(len(side) - 2):
        window = range(first, first + 3)
        if side[first] != 0 and len({side[i] for i in window}) == 1 and sum(near[i] for i in window) >= 2:
            for index in window:
                found[index] = found[index] or near[index]
    return found


def _shifts(side: Sequence[int]) -> list[bool]:
    """Each of seven neighbours on one side; a point on the centre line, or a gap, ends the run."""
    found = [False] * len(side)
    for first in range(len(side) - RUN + 1):
        if side[first] != 0 and len(set(side[first : first + RUN])) == 1:
            found[first : first + RUN] = [True] * RUN
    return found


def _variation(points: Sequence[Point]) -> Variation | None:
    last = next((point for point in reversed(points) if point.value is not None), None)
    if last is None:
        return None
    if last.kind == "improvement":
        return "improvement_high" if last.high else "improvement_low"
    if last.kind == "concern":
        return "concern_high" if last.high else "concern_low"
    return last.kind


def _assurance(points: Sequence[Point], segments: Sequence[Segment], direction: Direction) -> Assurance | None:
    """Whether the process, if it goes on like this, will meet the newest target always, never, or by chance."""
    target = points[-1].target if points else None
    if target is None or direction == "neutral":
        return None
    limits = segments[-1].limits
    if limits.upper is None or limits.lower is None:
        return None
    if limits.upper == limits.lower == target:
        return "consistent_pass"
    if limits.lower <= target <= limits.upper:
        return "inconsistent"
    return "consistent_pass" if (target < limits.lower) == (direction == "increase") else "consistent_fail"
