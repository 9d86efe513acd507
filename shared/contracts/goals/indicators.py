"""What is measured, and who is expected to report it."""

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.event import Event, Part
from shared.numbers import DecimalText
from shared.texts import Text

Direction = Literal["increase", "decrease", "neutral"]
Aggregation = Literal["sum", "last", "mean", "min", "max", "pooled_ratio", "none"]
DisclosureClass = Literal["open", "internal", "confidential"]


class Ratio(Part):
    """How a percentage or rate is made: numerator / denominator × factor."""

    numerator: Text
    denominator: Text
    factor: DecimalText = Decimal(100)


class IndicatorChanged(Event):
    """An indicator as it stands: what it means, which way is better, how it adds up over time and over units."""

    type: ClassVar[str] = "steward.goals.indicator.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"

    indicator_id: UUID
    code: str
    name: Text
    definition: Text
    notice: Text | None = None
    """Shown wherever the number is, such as "Simulated answers"."""
    direction: Direction
    unit_of_measure: Text
    decimals: int
    ratio: Ratio | None
    aggregation_over_time: Aggregation
    aggregation_over_units: Aggregation
    disclosure_class: DisclosureClass
    calendar_id: UUID
    frequency: Literal["month", "quarter", "year"]


class AssignmentChanged(Event):
    """A unit that is expected to report an indicator, from one day to another (the last day, inclusive)."""

    type: ClassVar[str] = "steward.goals.assignment.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"

    assignment_id: UUID
    indicator_id: UUID
    unit_id: UUID
    valid_from: date
    valid_to: date | None
