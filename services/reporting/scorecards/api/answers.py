"""What scorecards and dashboard look like as JSON; the fields are those of the domain."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from services.reporting.charts.domain import RULE_SET, Assurance, Kind, Rule, Variation
from services.reporting.facts.domain import ObsStatus, Status
from services.reporting.scorecards.domain.answers import TargetType
from shared.contracts.goals.indicators import Direction, DisclosureClass
from shared.numbers import DecimalText
from shared.periods.calendar import Frequency
from shared.texts import Text

Statistic = Annotated[float | None, Field(description="Double precision; rounded only where it is shown")]
Instant = Annotated[
    datetime, PlainSerializer(lambda at: at.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json")
]


class Answer(BaseModel):
    """Parent of the answers: read off the domain's values by name."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class UnitAnswer(Answer):
    """An organisation unit."""

    id: UUID
    code: str
    name: Text
    level: str


class IndicatorAnswer(Answer):
    """An indicator, with what its number means."""

    id: UUID
    code: str
    name: Text
    definition: Text
    direction: Direction
    unit_of_measure: Text
    decimals: int
    numerator: Text | None
    denominator: Text | None
    factor: DecimalText | None
    frequency: Frequency
    disclosure_class: DisclosureClass


class SurveyAnswer(Answer):
    """A survey that feeds the indicator; its form is served by feedback at /surveys/{code}."""

    id: UUID
    code: str
    title: Text
    state: Literal["draft", "open", "closed"]


class PeriodAnswer(Answer):
    """A period: frequency, first day and what people call it."""

    frequency: Frequency
    start: date
    label: str


class TargetAnswer(Answer):
    """What the number is held against."""

    type: TargetType
    value: DecimalText | None
    low: DecimalText | None
    high: DecimalText | None
    baseline: DecimalText | None
    milestone: Text | None
    inherited_from: UnitAnswer | None = Field(description="The unit whose target this is, where it is not its own")
    derived: bool = Field(description="Lies on the line from baseline to target: the period has no target of its own")


class CoverageAnswer(Answer):
    """How many units reported of how many that were expected; how many updates are held back."""

    reported: int
    expected: int
    held_back: int


class FigureAnswer(Answer):
    """One number with its coverage, its target and how it stands against that."""

    period: PeriodAnswer | None = Field(description="null where nothing has been evaluated yet")
    value: DecimalText | None
    numerator: DecimalText | None
    denominator: DecimalText | None
    obs_status: ObsStatus = Field(description="SDMX: A, P, E, B with a value; O missing, M not applicable without one")
    missing_reason: str | None = Field(
        description="As reported, or derived: not_reported, not_expected (nothing was), not_computable (no total)"
    )
    coverage: CoverageAnswer
    target: TargetAnswer | None
    progress: DecimalText | None
    status: Status
    status_rule: str = Field(description="The rule that decided, by name")
    status_sentence: str = Field(description="The same in a plain sentence")


class HistoryAnswer(Answer):
    """One period of the line that leads to the number shown."""

    period: PeriodAnswer
    value: DecimalText | None
    numerator: DecimalText | None
    denominator: DecimalText | None
    obs_status: ObsStatus
    missing_reason: str | None
    status: Status
    target_value: DecimalText | None
    reported: int
    expected: int
    vintages: int | None = Field(description="How often the period was recorded; null where it is only pooled")
    corrections: int | None = Field(description="How many of those corrected what people had reported")


class LimitsAnswer(Answer):
    """Centre line and natural process limits of a stretch of the record."""

    centre: Statistic
    moving_range: Statistic
    lower: Statistic
    upper: Statistic
    near_lower: Statistic
    near_upper: Statistic


class SegmentAnswer(Answer):
    """A stretch between two rebases: points from `first` to before `after` (counted from 0)."""

    first: int
    after: int
    limits: LimitsAnswer
    points: int
    short: bool = Field(description="Too few points for firm limits")


class PointAnswer(Answer):
    """One period on the chart."""

    value: Statistic
    target: Statistic
    segment: int
    rule: Rule
    high: bool
    kind: Kind


class XmrAnswer(Answer):
    """The XmR control chart: what changed for a reason, and whether the process can be relied on to meet its target."""

    points: tuple[PointAnswer, ...]
    segments: tuple[SegmentAnswer, ...]
    variation: Variation | None
    assurance: Assurance | None
    screened: bool
    rule_set: Mapping[str, str | int | float] = Field(default_factory=lambda: dict(RULE_SET))


class ChartAnswer(Answer):
    """The control chart of the tile's frequency, with the first day of each of its points."""

    frequency: Frequency
    starts: tuple[date, ...]
    xmr: XmrAnswer


class TileAnswer(Answer):
    """One indicator of the unit."""

    indicator: IndicatorAnswer
    figure: FigureAnswer = Field(description="The period asked for, else the latest with information")
    record: FigureAnswer | None = Field(description="The same over the whole record")
    history: tuple[HistoryAnswer, ...]
    notice: Text | None = Field(description="Must be shown beside the number")
    held_back: bool = Field(description="An update was set aside and waits to be replayed")
    surveys: tuple[SurveyAnswer, ...]
    chart: ChartAnswer | None


class LogAnswer(Answer):
    """How far one service's log has been applied."""

    service: str
    log_id: UUID
    position: int
    recorded_at: Instant


class AsOfAnswer(Answer):
    """The state of knowledge: when the newest event applied was recorded, and the position in each log."""

    at: Instant | None
    logs: tuple[LogAnswer, ...]


class ScorecardAnswer(Answer):
    """Everything the caller may see of one unit."""

    unit: UnitAnswer
    parents: tuple[UnitAnswer, ...] = Field(description="From the root down")
    children: tuple[UnitAnswer, ...]
    valid_from: date
    valid_to: date | None
    tiles: tuple[TileAnswer, ...]
    as_of: AsOfAnswer


class ColumnAnswer(Answer):
    """One indicator and the period its numbers stand for."""

    indicator: IndicatorAnswer
    period: PeriodAnswer | None
    notice: Text | None


class CellAnswer(Answer):
    """One indicator of one unit."""

    figure: FigureAnswer
    held_back: bool


class RowAnswer(Answer):
    """One unit with a cell per column."""

    unit: UnitAnswer
    region: UnitAnswer | None
    cells: tuple[CellAnswer, ...]


class DashboardAnswer(Answer):
    """Units side by side."""

    columns: tuple[ColumnAnswer, ...]
    items: tuple[RowAnswer, ...] = Field(validation_alias="rows")
    above: RowAnswer | None = Field(description="The region chosen, else the whole body, over the same periods")
    counts: Mapping[Status, int] = Field(description="Units per status of the leading indicator")
    next: str | None = Field(description="Send it as `cursor` for the next page")
    as_of: AsOfAnswer
