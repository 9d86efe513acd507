"""Rules about indicators and assignments, as pure values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

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


def fitting_aggregations(*, is_ratio: bool, axis: Literal["time", "units"]) -> Sequence[Aggregation]:
    """The rules by which an indicator can be added up: a ratio pools, and is never a sum or mean of percentages.

    Over units, "last" means nothing: units have no order in time.
    """
    fitting = _FOR_RATIOS if is_ratio else _FOR_NUMBERS
    return sorted(fitting - {"last"} if axis == "units" else fitting)


@dataclass(frozen=True, slots=True)
class Span:
    """From one day to another, the last day inclusive; without an end it goes on."""

    valid_from: date
    valid_to: date | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it ends before it begins."""
        return self.valid_to is not None and self.valid_to < self.valid_from

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a day."""
        begins_before_end = self.valid_to is None or other.valid_from <= self.valid_to
        ends_after_begin = other.valid_to is None or self.valid_from <= other.valid_to
        return begins_before_end and ends_after_begin


def overlapping(span: Span, others: Sequence[Span]) -> Iterator[Span]:
    """Those of the others that share a day with this one."""
    return (other for other in others if span.overlaps(other))
