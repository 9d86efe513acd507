"""Where things go on a drawing: frames, scales, round numbers, and labels that do not touch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10

from services.reporting.charts.domain import StoredChart

LEAST_BETWEEN_LABELS = 13.0
DIGIT = 7.0
"""The width of a digit of the text beside the axis, in the widest of the usual fonts."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a drawing and of the margins around its plot."""

    width: float
    height: float
    left: float
    right: float
    top: float = 18
    bottom: float = 42


WIDE = Frame(width=760, height=320, left=46, right=132)
NARROW = Frame(width=350, height=285, left=38, right=104)


@dataclass(frozen=True, slots=True)
class Scale:
    """From index and value to the place on the drawing."""

    frame: Frame
    count: int
    low: float
    high: float

    @property
    def right(self) -> float:
        return self.frame.width - self.frame.right

    @property
    def bottom(self) -> float:
        return self.frame.height - self.frame.bottom

    @property
    def step(self) -> float:
        return (self.right - self.frame.left) / max(self.count, 1)

    def x(self, index: float) -> float:
        return self.frame.left + self.step * (index + 0.5)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.frame.top)


def scale_of(chart: StoredChart, frame: Frame, decimals: int) -> Scale:
    """The scale on which every value, target and limit of a chart has room."""
    seen = [value for point in chart.xmr.points for value in (point.value, point.target) if value is not None]
    for segment in chart.xmr.segments:
        seen += [value for value in (segment.limits.lower, segment.limits.upper) if value is not None]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = (high - low) * 0.06 or max(abs(high) * 0.02, 0.5)
    # A count has no room below zero.
    bottom = max(low - room, 0.0) if low >= 0 else low - room
    digits = max(len(f"{bound:,.{min(decimals, 1)}f}") for bound in (bottom, high + room))
    names = 8 if frame.width <= NARROW.width else 12
    wide_enough = replace(
        frame, left=max(frame.left, digits * DIGIT + 8), right=max(frame.right, (names + digits) * DIGIT)
    )
    return Scale(wide_enough, len(chart.xmr.points), bottom, high + room)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two bounds."""
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return [step * n for n in range(ceil(low / step), floor(high / step) + 1)]


def apart(ys: Sequence[float], scale: Scale) -> list[float]:
    """Heights from top to bottom, moved so that no two are closer than a line of text and all stay inside."""
    placed: list[float] = []
    for y in ys:
        placed.append(max(y, placed[-1] + LEAST_BETWEEN_LABELS) if placed else y)
    over = (placed[-1] - scale.bottom) if placed else 0
    if over > 0:
        placed[-1] -= over
        for index in range(len(placed) - 2, -1, -1):
            placed[index] = min(placed[index], placed[index + 1] - LEAST_BETWEEN_LABELS)
    return placed
