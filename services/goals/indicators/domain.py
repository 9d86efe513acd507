"""Rules about indicators and assignments, as pure values."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypedDict

from services.goals.indicators.errors import AggregationDoesNotFit
from shared.errors import FieldError

Direction = Literal["increase", "decrease", "neutral"]
Aggregation = Literal["sum", "last", "mean", "min", "max", "pooled_ratio", "none"]
DisclosureClass = Literal["open", "internal", "confidential"]
ReportedFrequency = Literal["month", "quarter", "year"]

_FOR_RATIOS: frozenset[Aggregation] = frozenset({"pooled_ratio", "last", "min", "max", "none"})
_FOR_NUMBERS: frozenset[Aggregation] = frozenset({"sum", "last", "mean", "min", "max", "none"})


@dataclass(frozen=True, slots=True)
class Ratio:
    """How a percentage or rate is made: numerator / denominator × factor."""

    numerator: dict[str, str]
    denominator: dict[str, str]
    factor: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True)
class NewIndicator:
    """An indicator to be added; `calendar` is an id or a code."""

    code: str
    name: dict[str, str]
    definition: dict[str, str]
    direction: Direction
    unit_of_measure: dict[str, str]
    aggregation_over_time: Aggregation
    aggregation_over_units: Aggregation
    disclosure_class: DisclosureClass
    frequency: ReportedFrequency
    calendar: str = "main"
    decimals: int = 2
    notice: dict[str, str] | None = None
    ratio: Ratio | None = None


class IndicatorChange(TypedDict, total=False):
    """What an indicator shall become: the fields that are there change.

    Frequency, calendar and ratio never do, because recorded values were made by them.
    """

    name: dict[str, str | None]
    definition: dict[str, str | None]
    notice: dict[str, str | None] | None
    direction: Direction
    unit_of_measure: dict[str, str | None]
    decimals: int
    aggregation_over_time: Aggregation
    aggregation_over_units: Aggregation
    disclosure_class: DisclosureClass


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """A unit that shall report an indicator; both are ids or codes."""

    indicator: str
    unit: str
    span: "Span"


class AssignmentChange(TypedDict, total=False):
    """What an assignment shall become: its last day, if that is there."""

    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Span:
    """From one day to another, the last day inclusive; without an end it goes on."""

    valid_from: date
    valid_to: date | None = None

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a day."""
        begins_before_end = self.valid_to is None or other.valid_from <= self.valid_to
        ends_after_begin = other.valid_to is None or self.valid_from <= other.valid_to
        return begins_before_end and ends_after_begin


def check_aggregations(over_time: Aggregation, over_units: Aggregation, *, is_ratio: bool) -> None:
    """Refuse rules by which the indicator cannot be added up, naming those that fit."""
    wrong = []
    for axis, rule in (("time", over_time), ("units", over_units)):
        fitting = _fitting(axis, is_ratio=is_ratio)
        if rule not in fitting:
            wrong.append(FieldError(f"/aggregation_over_{axis}", f"one of {', '.join(sorted(fitting))}", rule))
    if wrong:
        kind = "A ratio pools its numerators and denominators" if is_ratio else "A number that is no ratio cannot pool"
        raise AggregationDoesNotFit(f"{kind}.", wrong)


def _fitting(axis: str, *, is_ratio: bool) -> frozenset[Aggregation]:
    # Units have no order, so none of them is the last.
    return (_FOR_RATIOS if is_ratio else _FOR_NUMBERS) - ({"last"} if axis == "units" else set())
