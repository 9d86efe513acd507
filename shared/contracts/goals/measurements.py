"""Reported values, the targets they are held against, and what goals makes of both."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.event import Event, Part
from shared.numbers import DecimalText
from shared.texts import Text

Frequency = Literal["month", "quarter", "year", "record"]
ObsStatus = Literal["A", "P", "E", "B", "M", "O"]
"""SDMX observation status: normal, provisional, estimated, break, not applicable (it cannot exist), missing."""


class PeriodKey(Part):
    """A reporting period: its frequency and its first day."""

    frequency: Frequency
    start: date


class SeriesKey(Part):
    """What a series is of: an indicator, a unit and a disaggregation ({} is the headline)."""

    indicator_id: UUID
    unit_id: UUID
    disaggregation: dict[str, str] = Field(default_factory=dict)


class RecordedValue(Part):
    """One vintage of one period of a series."""

    measurement_id: UUID
    period: PeriodKey
    vintage: Annotated[int, Field(ge=1)]
    value: DecimalText | None
    numerator: DecimalText | None = None
    denominator: DecimalText | None = None
    obs_status: ObsStatus = "A"
    missing_reason: str | None = None


class MeasurementRecorded(Event):
    """All values of one series recorded in one transaction, in period order; the subject is the series."""

    type: ClassVar[str] = "steward.goals.measurement.recorded.v1"
    kind: ClassVar[Literal["state", "fact"]] = "fact"

    series_id: UUID
    series: SeriesKey
    source: Literal["reported", "feedback"] = "reported"
    values: Annotated[list[RecordedValue], Field(min_length=1)]


class TargetValue(Part):
    """What is asked for, with the type that says how it is judged."""

    type: Literal[
        "increase_to", "decrease_to", "maintain_at_or_above", "maintain_at_or_below", "range", "milestone", "undefined"
    ]
    value: DecimalText | None = None
    low: DecimalText | None = None
    high: DecimalText | None = None
    baseline: DecimalText | None = None
    baseline_period: PeriodKey | None = None
    milestone: Text | None = None


class TargetSet(Event):
    """A version of the target of one series: since when it holds, until when, and why; the subject is the series."""

    type: ClassVar[str] = "steward.goals.target.set.v1"
    kind: ClassVar[Literal["state", "fact"]] = "fact"

    target_id: UUID
    series_id: UUID
    series: SeriesKey
    version: Annotated[int, Field(ge=1)]
    target: TargetValue
    valid_from: date
    valid_to: date | None
    applies_below: bool = False
    """Whether units below that have no target of their own are held against this one."""
    reason: str


class RuleSet(Part):
    """The ordered status rules that were applied, with their parameters."""

    name: str
    version: int
    parameters: dict[str, DecimalText] = Field(default_factory=dict)


class EvaluatedPeriod(Part):
    """One period of one series as goals sees it: the number, its coverage, and how it stands against its target."""

    period: PeriodKey
    value: DecimalText | None
    numerator: DecimalText | None = None
    denominator: DecimalText | None = None
    obs_status: ObsStatus = "A"
    missing_reason: str | None = None
    """Why there is no number: as reported, or derived: `not_reported`, `not_expected`, `not_computable`."""
    reported: Annotated[int, Field(ge=0)]
    expected: Annotated[int, Field(ge=0)]
    """Units expected to report; 0 means that nothing is expected of this series in this period.

    In a period longer than the indicator's own, both count pairs of unit and period: unit-months, say.
    """
    held_back: Annotated[int, Field(ge=0)] = 0
    target: TargetValue | None = None
    target_inherited_from: UUID | None = None
    """The unit whose target this is, where it is not the series' own."""
    target_derived: bool = False
    """Whether the target's value here is that of a straight line from its baseline, on the way to what was set."""
    progress: DecimalText | None = None
    status: Literal["met", "not_met", "on_track", "off_track", "no_information", "not_expected"]
    status_rule: str
    """The name of the first rule that matched, such as `value_at_or_above_target`."""


class EvaluationMade(Event):
    """The periods of one series whose evaluation changed; the subject is the result row, one per series."""

    type: ClassVar[str] = "steward.goals.evaluation.made.v1"
    kind: ClassVar[Literal["state", "fact"]] = "fact"

    result_id: UUID
    series_id: UUID | None
    """The series that was read, where the unit reports for itself; None where the result is only pooled from below."""
    series: SeriesKey
    inputs_version: Annotated[int, Field(ge=0)]
    """The version of the series that was read: a measurement or target counts as applied from here on."""
    evaluated_at: datetime
    rule_set: RuleSet
    periods: list[EvaluatedPeriod]
    """Empty where a target was set before anything was measured: applied, with nothing to show yet."""
