"""Typed targets: what each asks for, whether a value meets it, and how far along the way it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Literal

from services.goals.indicators.domain import Direction
from services.goals.targets.errors import (
    RangeIsEmpty,
    TargetAsksForNoDecrease,
    TargetAsksForNoIncrease,
    TargetIncomplete,
    TargetPullsTheWrongWay,
)
from shared.decimals import divided, plain, rounded
from shared.errors import FieldError

TargetType = Literal[
    "increase_to", "decrease_to", "maintain_at_or_above", "maintain_at_or_below", "range", "milestone", "undefined"
]
_EXACT = Context(prec=60)
"""Holds sums and products of reported decimals digit by digit; the default of 28 digits does not."""


@dataclass(frozen=True, slots=True)
class IncreaseTo:
    """Asks for more than the baseline, which belongs to this version of the target."""

    baseline: Decimal
    target: Decimal

    def __post_init__(self) -> None:
        if self.target <= self.baseline:
            raise TargetAsksForNoIncrease(f"From {plain(self.baseline)} to {plain(self.target)} is no increase.")


@dataclass(frozen=True, slots=True)
class DecreaseTo:
    """Asks for less than the baseline, which belongs to this version of the target."""

    baseline: Decimal
    target: Decimal

    def __post_init__(self) -> None:
        if self.target >= self.baseline:
            raise TargetAsksForNoDecrease(f"From {plain(self.baseline)} to {plain(self.target)} is no decrease.")


@dataclass(frozen=True, slots=True)
class MaintainAtOrAbove:
    """Asks that the value be no lower than a threshold, wherever it started."""

    threshold: Decimal


@dataclass(frozen=True, slots=True)
class MaintainAtOrBelow:
    """Asks that the value be no higher than a threshold, wherever it started."""

    threshold: Decimal


@dataclass(frozen=True, slots=True)
class Range:
    """Asks that the value lie between two bounds, both included."""

    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if self.high <= self.low:
            raise RangeIsEmpty(f"No value lies between {plain(self.low)} and {plain(self.high)}.")


@dataclass(frozen=True, slots=True)
class Milestone:
    """Asks that something be done; it is done once the reported value reaches `reached_at`."""

    milestone: Mapping[str, str]
    reached_at: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Undefined:
    """Says openly that there is no target yet."""


TypedTarget = IncreaseTo | DecreaseTo | MaintainAtOrAbove | MaintainAtOrBelow | Range | Milestone | Undefined


def progress(target: IncreaseTo | DecreaseTo, value: Decimal) -> Decimal:
    """Share of the way covered: 0 at the baseline, 1 at the target, above 1 surpassed, below 0 regressed.

    The other targets have `is_met` instead, never a share.
    """
    return rounded(divided(_EXACT.subtract(value, target.baseline), _span(target)))


def is_met(target: TypedTarget, value: Decimal) -> bool | None:
    """Whether a value does what the target asks for; None where nothing is asked for."""
    match target:
        case IncreaseTo(target=asked) | MaintainAtOrAbove(threshold=asked):
            return value >= asked
        case DecreaseTo(target=asked) | MaintainAtOrBelow(threshold=asked):
            return value <= asked
        case Range(low=low, high=high):
            return low <= value <= high
        case Milestone(reached_at=reached_at):
            return value >= reached_at
        case Undefined():
            return None


def on_the_way(target: IncreaseTo | DecreaseTo, share: Decimal) -> Decimal:
    """Where a straight line from baseline to target stands after a share of the time; a derived trajectory."""
    return rounded(_EXACT.add(target.baseline, _EXACT.multiply(_span(target), share)))


def _span(target: IncreaseTo | DecreaseTo) -> Decimal:
    return _EXACT.subtract(target.target, target.baseline)


def check_direction(target: TypedTarget, direction: Direction) -> None:
    """Refuse a target that pulls an indicator away from where it is better.

    A threshold that pulls the other way is the usual sign that "keep below" was stored as "bring up to".
    """
    upwards = isinstance(target, IncreaseTo | MaintainAtOrAbove)
    downwards = isinstance(target, DecreaseTo | MaintainAtOrBelow)
    if (upwards and direction == "decrease") or (downwards and direction == "increase"):
        better = "lower" if direction == "decrease" else "higher"
        raise TargetPullsTheWrongWay(f"A {better} value of this indicator is better; the target asks for the opposite.")


def typed(
    type: TargetType,  # noqa: A002 - the word of the contract and of the column
    *,
    value: Decimal | None = None,
    low: Decimal | None = None,
    high: Decimal | None = None,
    baseline: Decimal | None = None,
    milestone: Mapping[str, str] | None = None,
) -> TypedTarget:
    """The target of a type from its parts; refuses missing parts, and parts that the type does not have."""
    parts = {"value": value, "low": low, "high": high, "baseline": baseline, "milestone": milestone}
    required, optional = _PARTS[type]
    wrong = [FieldError(f"/{name}", f"needed by a target of type {type}") for name in required if parts[name] is None]
    wrong += [
        FieldError(f"/{name}", f"not part of a target of type {type}")
        for name, part in parts.items()
        if part is not None and name not in required and name not in optional
    ]
    if wrong:
        raise TargetIncomplete(f"A target of type {type} has {_listed(required) or 'no values'}.", wrong)
    match type, value, baseline, low, high, milestone:
        case "increase_to", Decimal(), Decimal(), _, _, _:
            return IncreaseTo(baseline, value)
        case "decrease_to", Decimal(), Decimal(), _, _, _:
            return DecreaseTo(baseline, value)
        case "maintain_at_or_above", Decimal(), _, _, _, _:
            return MaintainAtOrAbove(value)
        case "maintain_at_or_below", Decimal(), _, _, _, _:
            return MaintainAtOrBelow(value)
        case "range", _, _, Decimal(), Decimal(), _:
            return Range(low, high)
        case "milestone", _, _, _, _, Mapping():
            return Milestone(milestone, Decimal(1) if value is None else value)
        case _:
            return Undefined()


_PARTS: dict[TargetType, tuple[frozenset[str], frozenset[str]]] = {
    "increase_to": (frozenset({"value", "baseline"}), frozenset()),
    "decrease_to": (frozenset({"value", "baseline"}), frozenset()),
    "maintain_at_or_above": (frozenset({"value"}), frozenset({"baseline"})),
    "maintain_at_or_below": (frozenset({"value"}), frozenset({"baseline"})),
    "range": (frozenset({"low", "high"}), frozenset({"baseline"})),
    "milestone": (frozenset({"milestone"}), frozenset({"value"})),
    "undefined": (frozenset(), frozenset({"baseline"})),
}


def _listed(names: frozenset[str]) -> str:
    return " and ".join(sorted(names))
