"""How a value stands against its target: ordered rules, the first that matches decides and is named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.goals.evaluation.domain.pooling import told
from services.goals.indicators.domain import Span
from services.goals.targets.domain import (
    DecreaseTo,
    IncreaseTo,
    MaintainAtOrAbove,
    MaintainAtOrBelow,
    Milestone,
    Range,
    TargetType,
    TypedTarget,
    Undefined,
    is_met,
    on_the_way,
    progress,
    typed,
)
from shared.decimals import divided
from shared.periods.calendar import FiscalCalendar, Period

Status = Literal["met", "not_met", "on_track", "off_track", "no_information", "not_expected"]

RULE_SET_NAME = "typed_targets"
RULE_SET_VERSION = 1
RULE_SET_PARAMETERS = {"milestone_reached_at": Decimal(1)}
"""The value from which a milestone counts as reached, where its target names no other."""


@dataclass(frozen=True, slots=True)
class TargetVersion:
    """A version of a target with the days on which it is in force."""

    version: int
    type: TargetType
    valid: Span
    applies_below: bool = False
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    baseline: Decimal | None = None
    baseline_period: Period | None = None
    milestone: Mapping[str, str] | None = None

    @property
    def asks(self) -> TypedTarget:
        """What it asks for."""
        return typed(
            self.type,
            value=self.value,
            low=self.low,
            high=self.high,
            baseline=self.baseline,
            milestone=self.milestone,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a value stands, by which rule, how far along it is, and where the derived trajectory was at that time."""

    status: Status
    rule: str
    progress: Decimal | None = None
    derived: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at."""

    value: Decimal | None
    expected: int
    not_applicable: bool = False
    asks: TypedTarget | None = None
    comparable: bool = True
    derived: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StatusRule:
    """A named condition and the status it leads to."""

    name: str
    matches: Callable[[Case], bool]
    status: Status


def _meets(*types: type) -> Callable[[Case], bool]:
    def matches(case: Case) -> bool:
        if case.asks is None or case.value is None or not isinstance(case.asks, types):
            return False
        return is_met(case.asks, case.value) is True

    return matches


def _asks_for(*types: type) -> Callable[[Case], bool]:
    return lambda case: isinstance(case.asks, types)


def _keeps_up(case: Case) -> bool:
    if case.derived is None or case.value is None:
        return False
    return case.value >= case.derived if isinstance(case.asks, IncreaseTo) else case.value <= case.derived


RULES: tuple[StatusRule, ...] = (
    StatusRule("not_applicable", lambda case: case.expected == 0 and case.not_applicable, "not_expected"),
    StatusRule("not_expected", lambda case: case.expected == 0, "not_expected"),
    StatusRule("no_value", lambda case: case.value is None, "no_information"),
    StatusRule("no_target", lambda case: case.asks is None or isinstance(case.asks, Undefined), "no_information"),
    StatusRule("target_for_another_frequency", lambda case: not case.comparable, "no_information"),
    StatusRule("value_at_or_above_target", _meets(IncreaseTo, MaintainAtOrAbove), "met"),
    StatusRule("value_at_or_below_target", _meets(DecreaseTo, MaintainAtOrBelow), "met"),
    StatusRule("value_within_range", _meets(Range), "met"),
    StatusRule("milestone_reached", _meets(Milestone), "met"),
    StatusRule("on_derived_trajectory", _keeps_up, "on_track"),
    StatusRule("off_derived_trajectory", lambda case: case.derived is not None, "off_track"),
    StatusRule("value_below_target", _asks_for(IncreaseTo, MaintainAtOrAbove), "not_met"),
    StatusRule("value_above_target", _asks_for(DecreaseTo, MaintainAtOrBelow), "not_met"),
    StatusRule("value_outside_range", _asks_for(Range), "not_met"),
    StatusRule("milestone_not_reached", _asks_for(Milestone), "not_met"),
)


def judged(case: Case) -> Judgement:
    """The status by the first rule that matches; progress only where a target has a way to go."""
    rule = next(rule for rule in RULES if rule.matches(case))
    share = None
    if case.value is not None and case.comparable and isinstance(case.asks, IncreaseTo | DecreaseTo):
        share = told(progress(case.asks, case.value))
    used = case.derived if rule.status in ("on_track", "off_track") else None
    return Judgement(rule.status, rule.name, share, used)


def trajectory(target: TargetVersion, end: date, calendar: FiscalCalendar) -> Decimal | None:
    """Where a straight line from the baseline to the target stands on a day before the target is due.

    A target without values of its own for the periods on the way says only where to be in the end. So until its last
    day a period is compared with the line from the baseline's period (else the target's first day) to that day, and
    the evaluation says that the figure is derived. None on the last day itself and for a target without one, which are
    held against the target as it stands.
    """
    asks, due = target.asks, target.valid.valid_to
    if due is None or end >= due or not isinstance(asks, IncreaseTo | DecreaseTo):
        return None
    begin = target.valid.valid_from
    if target.baseline_period is not None and target.baseline_period.frequency != "record":
        begin = calendar.last_day(target.baseline_period)
    days, whole = (end - begin).days, (due - begin).days
    share = min(max(divided(Decimal(days), Decimal(whole)), Decimal()), Decimal(1)) if whole > 0 else Decimal(1)
    return on_the_way(asks, share)
