"""Many numbers made into one, over periods or over units, by the rule that the indicator has for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from services.goals.indicators.domain import Aggregation
from services.goals.measurements.domain import ObsStatus
from shared.decimals import rounded

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough that a total of reported decimals loses no digit, and a quotient none that rounding would notice."""
_TOO_LARGE = Decimal(10) ** 18


class Amount(NamedTuple):
    """A number that is not rounded yet, and for a ratio what it is made from."""

    value: Decimal
    numerator: Decimal | None = None
    denominator: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a unit said about one period, in its newest vintage; without an amount it said why there is none."""

    amount: Amount | None
    status: ObsStatus = "A"
    missing_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How an indicator adds up over time and over units; a `factor` makes it a ratio."""

    over_time: Aggregation
    over_units: Aggregation
    factor: Decimal | None = None


def pooled(amounts: Sequence[Amount], rule: Aggregation, factor: Decimal | None) -> Amount | None:
    """One amount from those that there are; None where there are none, or where the rule forbids to add them up.

    Whoever has no value is not among them, so missing is never zero. A ratio is always made from its sums, whichever
    of the adding rules it has. The order of the amounts is that of time.
    """
    if not amounts or rule == "none":
        return None
    if rule == "last":
        return amounts[-1]
    if rule == "min":
        return min(amounts, key=lambda amount: amount.value)
    if rule == "max":
        return max(amounts, key=lambda amount: amount.value)
    if factor is not None:
        return _from_sums(amounts, factor)
    if rule == "pooled_ratio":
        return None
    total = sum((amount.value for amount in amounts), Decimal())
    return Amount(total if rule == "sum" else total / len(amounts))


def combined(statuses: Iterable[ObsStatus]) -> ObsStatus:
    """The status of an aggregate: provisional if any part is, else estimated if any is, else normal."""
    seen = set(statuses)
    if "P" in seen:
        return "P"
    return "E" if "E" in seen else "A"


def told(number: Decimal | None) -> Decimal | None:
    """A computed number as it is stored and published; None where it has more digits than a published one may."""
    if number is None or abs(number) >= _TOO_LARGE:
        return None
    return rounded(number)


def _from_sums(amounts: Sequence[Amount], factor: Decimal) -> Amount | None:
    numerator = sum((amount.numerator for amount in amounts if amount.numerator is not None), Decimal())
    denominator = sum((amount.denominator for amount in amounts if amount.denominator is not None), Decimal())
    if not denominator:
        return None
    return Amount(numerator * factor / denominator, numerator, denominator)
