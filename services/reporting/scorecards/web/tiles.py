"""A tile with everything drawn: its chart, the words beside it, and the table of the same numbers."""

from dataclasses import dataclass

from markupsafe import Markup

from services.reporting.charts.domain import Limits, Point, StoredChart
from services.reporting.charts.formats import svg, words
from services.reporting.charts.formats.icons import assurance_icon, variation_icon
from services.reporting.charts.formats.scales import NARROW, WIDE, Frame
from services.reporting.scorecards.domain.answers import HistoryPoint, Tile
from services.reporting.scorecards.formats.reasons import observed_as
from services.reporting.scorecards.web.views import Speaker


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
        observed = observed_as(self.point.obs_status, self.point.missing_reason)
        said = [observed] if observed else []
        if self.point.corrections:
            said.append("corrected" if self.point.corrections == 1 else f"corrected {self.point.corrections} times")
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
    limits: str | None
    """Average and limits in a sentence, where the same ones hold from beginning to end."""


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
        named = self.tile.indicator.numerator is not None
        return named and any(row.point.numerator is not None for row in self.rows)

    @property
    def has_remarks(self) -> bool:
        """Whether there is anything to remark on any period."""
        return any(row.remark for row in self.rows)

    @property
    def has_rebases(self) -> bool:
        """Whether the limits are others in one part of the record than in another."""
        return len({row.limits for row in self.rows if row.limits is not None}) > 1

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
        limits=words.limits_sentence(chart, decimals=decimals, unit=unit),
    )


def _caption(name: str, tile: Tile, chart: StoredChart) -> str:
    labels = {point.period.start: point.period.label for point in tile.history}
    first, last = (labels.get(start, f"{start:%B %Y}") for start in (chart.starts[0], chart.starts[-1]))
    return f"{name} by {words.PERIODS[chart.frequency]}, {first}" + (f" to {last}" if first != last else "")
