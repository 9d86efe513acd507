"""Control charts as SVG: text as text, meaning by shape and word as well as colour, colours by CSS class alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

from markupsafe import Markup, escape

from services.reporting.charts.domain import Kind, Point, StoredChart
from services.reporting.charts.formats.words import KINDS, PERIODS, number, with_unit

LEAST_BETWEEN_LABELS = 13.0
PER_YEAR = {"month": 12, "quarter": 4, "year": 1, "record": 1}


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a drawing and of the margins around its plot."""

    width: float
    height: float
    left: float
    right: float
    top: float = 18
    bottom: float = 30


WIDE = Frame(width=760, height=310, left=46, right=132)
NARROW = Frame(width=350, height=270, left=38, right=104)


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


def svg(chart: StoredChart, *, key: str, title: str, unit: str, decimals: int, frame: Frame = WIDE) -> Markup:
    """The chart as an image with a name and a description; `key` makes its ids unique on the page."""
    points = chart.xmr.points
    scale = _scale(chart, frame)
    pieces = [
        *_grid(scale, decimals),
        *_dates(chart, scale),
        *_limits(chart, scale),
        _path("chart-target", _target(points, scale)),
        _path("chart-line", _line(points, scale)),
        *_points(chart, scale, unit, decimals),
        *_labels(chart, scale, unit, decimals),
    ]
    return Markup(  # noqa: S704 - every text that goes in has been escaped, see the tests
        f'<svg class="chart" role="img" aria-labelledby="{escape(key)}-title {escape(key)}-desc"'
        f' viewBox="0 0 {frame.width:g} {frame.height:g}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{escape(key)}-title">{escape(title)}</title>'
        f'<desc id="{escape(key)}-desc">{escape(description(chart, unit=unit, decimals=decimals))}</desc>'
        f"{''.join(pieces)}</svg>"
    )


def description(chart: StoredChart, *, unit: str, decimals: int) -> str:
    """The chart in sentences, for whoever cannot see it."""
    points = chart.xmr.points
    known = [point for point in points if point.value is not None]
    if not known:
        return "There are no figures yet."
    period = PERIODS[chart.frequency]
    sentences = [f"{len(known)} {period}{'' if len(known) == 1 else 's'} from {chart.starts[0]:%B %Y}."]
    if len(known) < len(points):
        sentences.append(f"{len(points) - len(known)} more without a figure.")
    limits = chart.xmr.segments[-1].limits
    if limits.centre is not None:
        sentences.append(f"Average {with_unit(limits.centre, decimals, unit)}.")
    if limits.lower is not None and limits.upper is not None:
        sentences.append(
            f"Expected between {number(limits.lower, decimals)} and {with_unit(limits.upper, decimals, unit)}."
        )
    if points[-1].target is not None:
        sentences.append(f"Target {with_unit(points[-1].target, decimals, unit)}.")
    for kind, name in KINDS.items():
        count = sum(point.kind == kind and point.value is not None for point in points)
        if count and kind != "common":
            sentences.append(f"{name}: {count}.")
    sentences.append("The table of these numbers follows.")
    return " ".join(sentences)


def kinds_of(chart: StoredChart) -> list[Kind]:
    """The kinds of point a legend must explain, in their usual order."""
    present = {point.kind for point in chart.xmr.points if point.value is not None}
    return [kind for kind in KINDS if kind in present]


def has_gaps(chart: StoredChart) -> bool:
    """Whether a legend must explain the mark of a missing figure."""
    return any(point.value is None for point in chart.xmr.points)


def marker(kind: Kind, x: float, y: float, size: float) -> str:
    """The shape of a kind of point: circle, diamond, square, or a triangle that points up or down."""
    s = size * 1.25
    shape = {
        "common": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>',
        "improvement": f'<path d="M{x:.1f} {y - s * 1.15:.1f}l{s * 1.15:.1f} {s * 1.15:.1f}l{-s * 1.15:.1f} '
        f'{s * 1.15:.1f}l{-s * 1.15:.1f} {-s * 1.15:.1f}z"/>',
        "concern": f'<path d="M{x - s:.1f} {y - s:.1f}h{2 * s:.1f}v{2 * s:.1f}h{-2 * s:.1f}z"/>',
        "neutral_high": f'<path d="M{x:.1f} {y - s:.1f}l{s:.1f} {2 * s:.1f}h{-2 * s:.1f}z"/>',
        "neutral_low": f'<path d="M{x:.1f} {y + s:.1f}l{s:.1f} {-2 * s:.1f}h{-2 * s:.1f}z"/>',
    }
    return shape[kind]


def _scale(chart: StoredChart, frame: Frame) -> Scale:
    seen = [value for point in chart.xmr.points for value in (point.value, point.target) if value is not None]
    for segment in chart.xmr.segments:
        seen += [value for value in (segment.limits.lower, segment.limits.upper) if value is not None]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = (high - low) * 0.06 or max(abs(high) * 0.02, 0.5)
    return Scale(frame, len(chart.xmr.points), low - room, high + room)


def _ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two bounds."""
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return [step * n for n in range(ceil(low / step), floor(high / step) + 1)]


def _grid(scale: Scale, decimals: int) -> Iterator[str]:
    ticks = _ticks(scale.low, scale.high)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    places = min(decimals + 1, max(0, -floor(log10(step) + 1e-9)))
    for tick in ticks:
        if step == 2.5 * 10.0 ** floor(log10(step)):
            places = max(places, 1 if step < 10 else 0)
        y = scale.y(tick)
        yield f'<path class="chart-grid" d="M{scale.frame.left:g} {y:.1f}H{scale.right:g}"/>'
        yield (
            f'<text class="chart-tick" x="{scale.frame.left - 6:g}" y="{y + 4:.1f}" text-anchor="end">'
            f"{number(tick, places)}</text>"
        )


def _dates(chart: StoredChart, scale: Scale) -> Iterator[str]:
    starts, often = chart.starts, PER_YEAR[chart.frequency]
    room = 62.0
    while often * scale.step < room and often < len(starts):
        often *= 2
    shown = list(range(0, len(starts), often))
    last = len(starts) - 1
    if last > 0 and (last - shown[-1]) * scale.step >= room:
        shown.append(last)
    for index in shown:
        x = scale.x(index)
        anchor = "start" if index == 0 else "middle"
        yield f'<path class="chart-axis" d="M{x:.1f} {scale.bottom:g}v5"/>'
        yield (
            f'<text class="chart-tick" x="{max(x - 8, scale.frame.left) if index == 0 else x:.1f}"'
            f' y="{scale.bottom + 19:g}" text-anchor="{anchor}">{_short(starts[index], chart)}</text>'
        )
    yield f'<path class="chart-axis" d="M{scale.frame.left:g} {scale.bottom:g}H{scale.right:g}"/>'


def _short(start: date, chart: StoredChart) -> str:
    return f"{start.year}" if chart.frequency == "year" and start.month == 1 else f"{start:%b %Y}"


def _limits(chart: StoredChart, scale: Scale) -> Iterator[str]:
    for segment in chart.xmr.segments:
        left, right = scale.x(segment.first - 0.5), scale.x(segment.after - 0.5)
        limits = segment.limits
        if limits.lower is not None and limits.upper is not None:
            top, bottom = scale.y(limits.upper), scale.y(limits.lower)
            yield (
                f'<rect class="chart-band" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
                f' height="{max(bottom - top, 0):.1f}"/>'
            )
            yield _path("chart-limit", f"M{left:.1f} {top:.1f}H{right:.1f}M{left:.1f} {bottom:.1f}H{right:.1f}")
        if limits.centre is not None:
            yield _path("chart-centre", f"M{left:.1f} {scale.y(limits.centre):.1f}H{right:.1f}")


def _path(name: str, d: str) -> str:
    return f'<path class="{name}" d="{d}"/>' if d else ""


def _target(points: Sequence[Point], scale: Scale) -> str:
    """A line that steps where the target changes, and is absent where there is none."""
    d = ""
    before: float | None = None
    for index, point in enumerate(points):
        if point.target is not None:
            y = scale.y(point.target)
            d += f"M{scale.x(index - 0.5):.1f} {y:.1f}" if before is None else f"V{y:.1f}"
            d += f"H{scale.x(index + 0.5):.1f}"
        before = point.target
    return d


def _line(points: Sequence[Point], scale: Scale) -> str:
    """The line from point to point; a missing one leaves a gap."""
    d, pen = "", "M"
    for index, point in enumerate(points):
        if point.value is None:
            pen = "M"
            continue
        d += f"{pen}{scale.x(index):.1f} {scale.y(point.value):.1f}"
        pen = "L"
    return d


def _points(chart: StoredChart, scale: Scale, unit: str, decimals: int) -> Iterator[str]:
    size = min(3.4, max(2.0, scale.step * 0.32))
    for index, point in enumerate(chart.xmr.points):
        x, when = scale.x(index), f"{chart.starts[index]:%B %Y}"
        if point.value is None:
            yield f'<g class="chart-gap"><title>{when}: no figure</title><path d="M{x:.1f} {scale.bottom:g}v-9"/></g>'
            continue
        says = f"{when}: {with_unit(point.value, decimals, unit)}. {KINDS[point.kind]}."
        shape = marker(point.kind, x, scale.y(point.value), size)
        yield f'<g class="chart-point chart-point--{point.kind}"><title>{escape(says)}</title>{shape}</g>'


def _labels(chart: StoredChart, scale: Scale, unit: str, decimals: int) -> Iterator[str]:
    """The names of the lines at their right ends, moved apart where they would touch."""
    points = chart.xmr.points
    if not points:
        return
    limits = chart.xmr.segments[-1].limits
    wanted: list[tuple[float, str, str]] = []
    narrow = scale.frame is NARROW
    if limits.upper is not None and limits.lower is not None and limits.upper > limits.lower:
        wanted.append((limits.upper, "chart-label", "Upper limit"))
        wanted.append((limits.lower, "chart-label", "Lower limit"))
    if limits.centre is not None:
        wanted.append((limits.centre, "chart-label chart-label--centre", "Average"))
    if points[-1].target is not None:
        wanted.append((points[-1].target, "chart-label chart-label--target", "Target"))
    tail = "" if narrow else unit
    wanted.sort(key=lambda label: label[0], reverse=True)
    ys = _apart([scale.y(value) for value, _, _ in wanted], scale)
    for (value, name, text), y in zip(wanted, ys, strict=True):
        words = with_unit(value, decimals, tail)
        yield (
            f'<text class="{name}" x="{scale.right + 7:g}" y="{y + 4:.1f}">{text}'
            f' <tspan class="chart-label__value">{escape(words)}</tspan></text>'
        )


def _apart(ys: Sequence[float], scale: Scale) -> list[float]:
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
