"""What the templates show: domain values as words, numbers and drawings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from markupsafe import Markup

from services.reporting.charts.domain import Limits, Point, StoredChart
from services.reporting.charts.formats import svg, words
from services.reporting.charts.formats.icons import assurance_icon, variation_icon
from services.reporting.charts.formats.scales import NARROW, WIDE, Frame
from services.reporting.scorecards.domain import (
    Coverage,
    Dashboard,
    DashboardFilters,
    Figure,
    HistoryPoint,
    IndicatorRef,
    Scorecard,
    ShownPeriod,
    Status,
    Target,
    Tile,
)
from shared.numbers import plain
from shared.texts import in_language

STATUS: dict[Status, str] = {
    "met": "Target met",
    "not_met": "Target not met",
    "on_track": "On track",
    "off_track": "Off track",
    "no_information": "No information",
    "not_expected": "Not expected",
}
OBS_STATUS = {
    "P": "provisional",
    "E": "estimated",
    "B": "break in the series",
    "M": "missing",
    "O": "not applicable",
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Texts and numbers for one reader."""

    languages: tuple[str, ...]

    def text(self, text: Mapping[str, str] | None) -> str:
        """The text in the reader's language, else in the body's."""
        return in_language(text or {}, *self.languages)

    def number(self, value: Decimal | float | None, indicator: IndicatorRef) -> str:
        """The value at the indicator's decimals with its unit of measure."""
        if value is None:
            return "–"
        return words.with_unit(value, indicator.decimals, self.text(indicator.unit_of_measure))

    def bare(self, value: Decimal | float | None, indicator: IndicatorRef) -> str:
        """The same without the unit, for columns whose heading names it."""
        return "–" if value is None else words.number(value, indicator.decimals)

    def target(self, target: Target | None, indicator: IndicatorRef) -> str:
        """What the number is held against, in words."""
        if target is None or target.type == "undefined":
            return "No target"
        if target.type == "milestone":
            return self.text(target.milestone)
        if target.type == "range":
            return f"{self.bare(target.low, indicator)} to {self.number(target.high, indicator)}"
        bound = "or less" if target.type in ("decrease_to", "maintain_at_or_below") else "or more"
        return f"{self.number(target.value, indicator)} {bound}"


def coverage(figure: Coverage) -> str:
    """How many reported of how many that were expected."""
    if figure.expected == 0:
        return "None expected"
    if figure.expected == 1:
        return "Reported" if figure.reported else "Not reported"
    return f"{figure.reported:,} of {figure.expected:,} expected units reported"


def status_words(figure: Figure) -> str:
    """The status in words; a number without a target lacks no information, only something to be held against."""
    return "No target" if figure.status == "no_information" and figure.value is not None else STATUS[figure.status]


def unbroken(sentence: str) -> str:
    """The sentence with its numbers kept on one line with their percent signs."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def count(value: Decimal | None) -> str:
    """A numerator or denominator as it was reported, thousands apart."""
    if value is None:
        return "–"
    whole, point, fraction = plain(value).partition(".")
    return f"{int(whole):,}{point}{fraction}"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of the table beside the chart."""

    point: HistoryPoint
    charted: Point | None
    limits: Limits | None

    @property
    def kind(self) -> str:
        """How the chart judges the period."""
        if self.charted is None or self.charted.value is None:
            return "–"
        return words.KINDS[self.charted.kind]

    @property
    def remark(self) -> str:
        """What else is to be known of the value."""
        said = [OBS_STATUS[self.point.obs_status]] if self.point.obs_status in OBS_STATUS else []
        if self.point.vintages is not None and self.point.vintages > 1:
            said.append("corrected" if self.point.vintages == 2 else f"corrected {self.point.vintages - 1} times")
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The chart of a tile: for wide and for narrow pages, with its words."""

    wide: Markup
    narrow: Markup
    caption: str
    legend: tuple[tuple[str, Markup], ...]
    gaps: bool
    variation: str
    variation_sentence: str
    variation_icon: Markup
    assurance: str | None
    assurance_sentence: str
    assurance_icon: Markup
    caution: str | None


@dataclass(frozen=True, slots=True)
class TileView:
    """A tile with everything drawn."""

    key: str
    tile: Tile
    drawing: Drawing | None
    rows: tuple[HistoryRow, ...]
    remark: str
    """What the period shown is besides ordinary: provisional, estimated, corrected."""

    @property
    def has_counts(self) -> bool:
        """Whether the table needs columns for what was divided by what."""
        return any(row.point.numerator is not None for row in self.rows)

    @property
    def has_coverage(self) -> bool:
        """Whether more than one unit was ever expected to report."""
        return any(row.point.expected > 1 for row in self.rows)


def tile_view(tile: Tile, say: Speaker) -> TileView:
    """Everything that the template of a tile needs."""
    key = f"tile-{tile.indicator.code}"
    rows = _rows(tile)
    shown = tile.figure.period.start if tile.figure.period else None
    current = next((row for row in rows if row.point.period.start == shown), None)
    return TileView(key, tile, _drawing(key, tile, say), rows, current.remark if current else "")


def _rows(tile: Tile) -> tuple[HistoryRow, ...]:
    """The history, newest first, each period with what the chart says of it."""
    chart = tile.chart
    at = {start: index for index, start in enumerate(chart.starts)} if chart else {}
    rows = []
    for point in reversed(tile.history):
        index = at.get(point.period.start)
        if chart is None or index is None or chart.frequency != point.period.frequency:
            rows.append(HistoryRow(point, None, None))
        else:
            rows.append(HistoryRow(point, chart.xmr.points[index], chart.xmr.limits_at(index)))
    return tuple(rows)


def _drawing(key: str, tile: Tile, say: Speaker) -> Drawing | None:
    chart = tile.chart
    if chart is None or chart.xmr.variation is None:
        return None
    unit, decimals = say.text(tile.indicator.unit_of_measure), tile.indicator.decimals
    name = say.text(tile.indicator.name)
    caption = _caption(name, tile, chart)
    shown = tile.figure.period.start if tile.figure.period else None

    def drawn(frame: Frame, suffix: str) -> Markup:
        return svg.svg(
            chart, key=f"{key}-{suffix}", title=caption, unit=unit, decimals=decimals, frame=frame, selected=shown
        )

    return Drawing(
        wide=drawn(WIDE, "wide"),
        narrow=drawn(NARROW, "narrow"),
        caption=caption,
        legend=tuple((words.KINDS[kind], svg.legend_marker(kind)) for kind in svg.kinds_of(chart)),
        gaps=svg.has_gaps(chart),
        variation=words.VARIATION[chart.xmr.variation],
        variation_sentence=words.variation_sentence(chart),
        variation_icon=variation_icon(chart.xmr.variation),
        assurance=words.ASSURANCE[chart.xmr.assurance] if chart.xmr.assurance else None,
        assurance_sentence=words.assurance_sentence(chart),
        assurance_icon=assurance_icon(chart.xmr.assurance),
        caution=words.caution(chart),
    )


def _caption(name: str, tile: Tile, chart: StoredChart) -> str:
    labels = {point.period.start: point.period.label for point in tile.history}
    first, last = (labels.get(start, f"{start:%B %Y}") for start in (chart.starts[0], chart.starts[-1]))
    return f"{name} by {words.PERIODS[chart.frequency]}, {first}" + (f" to {last}" if first != last else "")


def period_choices(card: Scorecard) -> list[tuple[str, str]]:
    """Every period that some tile has a line for, newest first, as a form's values with their labels."""
    periods = {point.period.start: point.period for tile in card.tiles for point in tile.history}
    return [choice(periods[start]) for start in sorted(periods, reverse=True)]


def choice(period: ShownPeriod) -> tuple[str, str]:
    """A period as the value of a form, with its label."""
    return f"{period.start:%Y-%m}", period.label


def shares(board: Dashboard) -> list[tuple[Status, int, float, float]]:
    """Statuses with their counts, and where their piece of a bar of 100 begins and how long it is."""
    total = sum(board.counts.values())
    pieces, start = [], 0.0
    for status in STATUS:
        number = board.counts.get(status, 0)
        if number:
            length = 100 * number / total
            pieces.append((status, number, start, length))
            start += length
    return pieces


def address(path: str, **parameters: str | Sequence[str] | None) -> str:
    """A path with the parameters that say something."""
    query = urlencode({name: value for name, value in parameters.items() if value}, doseq=True)
    return f"{path}?{query}" if query else path


def asked(filters: DashboardFilters, period: str) -> dict[str, str | Sequence[str] | None]:
    """The filters as they stand in the address, without those that are at their default."""
    return {
        "q": filters.q,
        "region": filters.region,
        "status": filters.status,
        "period": period,
        "indicator": filters.indicators,
        "level": None if filters.level == "organisation" else filters.level,
        "sort": None if filters.sort == "name" else filters.sort,
    }
