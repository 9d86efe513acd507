"""Control charts as SVG: text as text, meaning by shape and word as well as colour, colours by CSS class alone."""

from collections.abc import Iterator, Sequence
from datetime import date
from math import floor, log10

from markupsafe import Markup, escape

from services.reporting.charts.domain import Kind, Point, StoredChart
from services.reporting.charts.formats.scales import NARROW, WIDE, Frame, Scale, apart, scale_of, ticks
from services.reporting.charts.formats.words import KINDS, PERIODS, number, with_unit

LEAST_BETWEEN_DATES = 38.0
LONGEST_SIGN = 2
PER_YEAR = {"month": 12, "quarter": 4, "year": 1, "record": 1}


def svg(
    chart: StoredChart,
    *,
    key: str,
    title: str,
    unit: str,
    decimals: int,
    frame: Frame = WIDE,
    selected: date | None = None,
) -> Markup:
    """The chart as an image with a name and a description; `key` makes its ids unique on the page.

    `selected` is the first day of the period that the number beside the chart stands for; its point gets a ring.
    """
    points = chart.xmr.points
    scale = scale_of(chart, frame, decimals)
    pieces = [
        *_grid(scale, decimals),
        *_dates(chart, scale),
        *_limits(chart, scale),
        _path("chart-target", _target(points, scale)),
        _path("chart-line", _line(points, scale)),
        *_ring(chart, scale, selected),
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


def legend_marker(kind: Kind) -> Markup:
    """The shape of a kind of point by itself."""
    return Markup(  # noqa: S704 - made of numbers and constants
        f'<svg class="chart-key chart-point chart-point--{kind}" viewBox="0 0 14 14" width="14" height="14"'
        f' aria-hidden="true" focusable="false">{marker(kind, 7, 7, 4)}</svg>'
    )


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


def _grid(scale: Scale, decimals: int) -> Iterator[str]:
    heights = ticks(scale.low, scale.high)
    step = heights[1] - heights[0] if len(heights) > 1 else 1.0
    places = min(decimals + 1, max(0, -floor(log10(step) + 1e-9)))
    for tick in heights:
        if step == 2.5 * 10.0 ** floor(log10(step)):
            places = max(places, 1 if step < 10 else 0)
        y = scale.y(tick)
        yield f'<path class="chart-grid" d="M{scale.frame.left:g} {y:.1f}H{scale.right:g}"/>'
        yield (
            f'<text class="chart-tick" x="{scale.frame.left - 6:g}" y="{y + 4:.1f}" text-anchor="end">'
            f"{number(tick, places)}</text>"
        )


def _dates(chart: StoredChart, scale: Scale) -> Iterator[str]:
    starts, often = chart.starts, max(PER_YEAR[chart.frequency] // 2, 1)
    while often * scale.step < LEAST_BETWEEN_DATES and often < len(starts):
        often *= 2
    last = len(starts) - 1
    shown = [index for index in range(0, len(starts), often) if (last - index) * scale.step >= LEAST_BETWEEN_DATES]
    for index in [*shown, last] if starts else []:
        x, y = scale.x(index), scale.bottom
        yield f'<path class="chart-axis" d="M{x:.1f} {y:g}v5"/>'
        lines = [f"{starts[index]:%b}", f"{starts[index]:%Y}"]
        if chart.frequency == "year" and starts[index].month == 1:
            lines = lines[1:]
        spans = "".join(f'<tspan x="{x:.1f}" y="{y + 18 + 14 * n:g}">{line}</tspan>' for n, line in enumerate(lines))
        yield f'<text class="chart-tick" text-anchor="middle">{spans}</text>'
    yield f'<path class="chart-axis" d="M{scale.frame.left:g} {scale.bottom:g}H{scale.right:g}"/>'


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


def _ring(chart: StoredChart, scale: Scale, selected: date | None) -> Iterator[str]:
    if selected in chart.starts:
        index = chart.starts.index(selected)
        value = chart.xmr.points[index].value
        if value is not None:
            x = scale.x(index)
            yield _path("chart-selected", f"M{x:.1f} {scale.frame.top:g}V{scale.bottom:g}")
            yield f'<circle class="chart-ring" cx="{x:.1f}" cy="{scale.y(value):.1f}" r="8"/>'


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
    narrow = scale.frame.width <= NARROW.width
    wanted: list[tuple[float, str, str]] = []
    if limits.upper is not None and limits.lower is not None and limits.upper > limits.lower:
        tail = "" if narrow else " limit"
        wanted.append((limits.upper, "chart-label", f"Upper{tail}"))
        wanted.append((limits.lower, "chart-label", f"Lower{tail}"))
    if limits.centre is not None:
        wanted.append((limits.centre, "chart-label chart-label--centre", "Average"))
    if points[-1].target is not None:
        wanted.append((points[-1].target, "chart-label chart-label--target", "Target"))
    # Beside the lines there is room for a sign such as %, none for a word: the caption of the table has that.
    sign = "" if narrow or len(unit) > LONGEST_SIGN else unit
    wanted.sort(key=lambda label: label[0], reverse=True)
    ys = apart([scale.y(value) for value, _, _ in wanted], scale)
    for (value, name, text), y in zip(wanted, ys, strict=True):
        words = with_unit(value, decimals, sign)
        yield (
            f'<text class="{name}" x="{scale.right + 7:g}" y="{y + 4:.1f}">{text}'
            f' <tspan class="chart-label__value">{escape(words)}</tspan></text>'
        )
