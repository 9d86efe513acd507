"""What a scorecard and the dashboard of units say: values that JSON and pages both show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from services.reporting.charts.domain import StoredChart
from services.reporting.directory.domain import Direction, DisclosureClass, SurveyState
from services.reporting.facts.domain import ObsStatus, Status
from shared.periods.calendar import Frequency

Text = Mapping[str, str]
"""From language tag to text; `shared.texts.in_language(text, *languages)` picks one."""
STATUSES: tuple[Status, ...] = ("not_met", "off_track", "on_track", "met", "no_information", "not_expected")
"""In the order in which they ask for attention, which is also their sort order."""

TargetType = Literal[
    "increase_to", "decrease_to", "maintain_at_or_above", "maintain_at_or_below", "range", "milestone", "undefined"
]


@dataclass(frozen=True, slots=True)
class UnitRef:
    """An organisation unit, as far as a reader needs it to know and find it."""

    id: UUID
    code: str
    name: Text
    level: str


@dataclass(frozen=True, slots=True)
class IndicatorRef:
    """An indicator, with what a reader needs to understand its number."""

    id: UUID
    code: str
    name: Text
    definition: Text
    direction: Direction
    unit_of_measure: Text
    decimals: int
    numerator: Text | None
    """What is counted above the line, where the indicator is a ratio."""
    denominator: Text | None
    factor: Decimal | None
    frequency: Frequency
    disclosure_class: DisclosureClass


@dataclass(frozen=True, slots=True)
class SurveyRef:
    """A survey that feeds an indicator."""

    id: UUID
    code: str
    title: Text
    state: SurveyState


@dataclass(frozen=True, slots=True)
class ShownPeriod:
    """The period a number stands for, with what people call it."""

    frequency: Frequency
    start: date
    label: str


@dataclass(frozen=True, slots=True)
class Target:
    """What the number is held against; derived: on the line from baseline to target, the period having none itself."""

    type: TargetType
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    baseline: Decimal | None
    milestone: Text | None
    inherited_from: UnitRef | None
    """The unit whose target this is, where it is not the unit's own."""
    derived: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many units reported, of how many that were expected, and how many updates are held back."""

    reported: int
    expected: int
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its coverage and target; without a period where nothing has been evaluated yet."""

    period: ShownPeriod | None
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    obs_status: ObsStatus
    missing_reason: str | None
    coverage: Coverage
    target: Target | None
    progress: Decimal | None
    status: Status
    status_rule: str
    """The name of the rule that decided, as goals gave it; then the same in a plain sentence."""
    status_sentence: str


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One period of the line that leads to the number shown, oldest first; gaps in time are left out."""

    period: ShownPeriod
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    obs_status: ObsStatus
    missing_reason: str | None
    status: Status
    target_value: Decimal | None
    reported: int
    expected: int
    vintages: int | None
    corrections: int | None
    """Of the vintages of the unit's own series, those that correct what people reported; a score's steps are none."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One indicator of one unit."""

    indicator: IndicatorRef
    figure: Figure
    """The number of the period that the tile stands for: the one asked for, or the latest with information."""
    record: Figure | None
    """The same over the whole record."""
    history: tuple[HistoryPoint, ...]
    notice: Text | None
    """Must be shown beside the number, such as «Simulated answers»."""
    held_back: bool
    """An update of this tile was set aside and waits to be replayed: say «update held back»."""
    no_longer_expected: bool
    """The number is the unit's last: whoever was to report it need not any more."""
    surveys: tuple[SurveyRef, ...]
    result_id: UUID | None
    chart: StoredChart | None


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far one service's log has been applied."""

    service: str
    log_id: UUID
    position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class AsOf:
    """The state of knowledge an answer shows: when the newest event applied was recorded, and each log's position."""

    at: datetime | None
    logs: tuple[LogPosition, ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Everything a reader may see of one unit."""

    unit: UnitRef
    parents: tuple[UnitRef, ...]
    """From the root down to the unit's own parent."""
    children: tuple[UnitRef, ...]
    valid_from: date
    valid_to: date | None
    tiles: tuple[Tile, ...]
    languages: tuple[str, ...]
    """The reader's languages, then the body's: hand them to `in_language`."""
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class Column:
    """One indicator of the dashboard and the period that its numbers stand for."""

    indicator: IndicatorRef
    period: ShownPeriod | None
    notice: Text | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One indicator of one unit on the dashboard."""

    figure: Figure
    held_back: bool


@dataclass(frozen=True, slots=True)
class DashboardRow:
    """One unit, with a cell per column."""

    unit: UnitRef
    region: UnitRef | None
    """Its parent, where that is not the root."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Units side by side."""

    columns: tuple[Column, ...]
    rows: tuple[DashboardRow, ...]
    above: DashboardRow | None
    """The region chosen, else the whole body, over the same periods."""
    counts: Mapping[Status, int]
    """Units per status of the leading indicator, whatever status is filtered for."""
    regions: tuple[UnitRef, ...]
    levels: tuple[str, ...]
    indicators: tuple[IndicatorRef, ...]
    """All that the reader may see; with regions and levels, what the filters can be set to."""
    next: str | None
    """The cursor of the next page."""
    languages: tuple[str, ...]
    as_of: AsOf
