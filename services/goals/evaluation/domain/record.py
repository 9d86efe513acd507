"""What was reported and expected of one indicator, laid out by unit and period and pooled up the tree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from operator import and_
from typing import NamedTuple
from uuid import UUID

from services.goals.evaluation.domain.judging import TargetVersion
from services.goals.evaluation.domain.pooling import Amount, Observation, Rules, combined, pooled
from services.goals.indicators.domain import ReportedFrequency, Span
from services.goals.measurements.domain import NOT_APPLICABLE, ObsStatus
from shared.periods.calendar import FiscalCalendar, Frequency, Period

NOT_REPORTED = "not_reported"
NOT_EXPECTED = "not_expected"
"""Derived reasons: nobody gave one, or not all the same."""
_ABOVE: dict[ReportedFrequency, tuple[Frequency, ...]] = {
    "month": ("quarter", "year"),
    "quarter": ("year",),
    "year": (),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A unit's place in the tree, and the days on which the unit exists."""

    parent_id: UUID | None
    valid: Span


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the evaluation of one indicator in one disaggregation depends on.

    `first` and `last` are the periods between which anything has been recorded by anybody: every result covers them
    all, so that a unit which fell silent is seen to be missing.
    """

    calendar: FiscalCalendar
    frequency: ReportedFrequency
    rules: Rules
    first: date
    last: date
    places: Mapping[UUID, Place]
    assigned: Mapping[UUID, Sequence[Span]]
    observed: Mapping[UUID, Mapping[date, Observation]]
    targets: Mapping[UUID, Sequence[TargetVersion]]


class Stretch(NamedTuple):
    """A period as a range of the indicator's own periods."""

    period: Period
    begin: int
    end: int

    def is_in(self, starts: frozenset[date] | None, base: Sequence[Period]) -> bool:
        """Whether it holds one of the starts, or all are meant."""
        return starts is None or any(base[index].start in starts for index in range(self.begin, self.end))


class Part(NamedTuple):
    """What one reporting unit brings to a total."""

    amount: Amount
    status: ObsStatus


class Pool(NamedTuple):
    """What is known of a unit and those below it over a stretch."""

    amount: Amount | None
    status: ObsStatus
    parts: Sequence[Part]
    reported: int
    expected: int
    not_applicable: bool
    missing_reason: str | None
    """Why there is no amount; None where there is one."""
    own: bool


class Record:
    """The inputs laid out by unit and period."""

    def __init__(self, inputs: Inputs, wanted: Iterable[UUID]) -> None:
        self.inputs = inputs
        calendar, frequency = inputs.calendar, inputs.frequency
        self.base = calendar.every(Period(inputs.first, frequency), Period(inputs.last, frequency))
        self.end = calendar.last_day(self.base[-1])
        self.stretches = [Stretch(period, index, index + 1) for index, period in enumerate(self.base)]
        for longer in _ABOVE[frequency]:
            held: dict[Period, list[int]] = {}
            for index, period in enumerate(self.base):
                held.setdefault(calendar.containing(period.start, longer), []).append(index)
            self.stretches += [Stretch(period, within[0], within[-1] + 1) for period, within in held.items()]
        self.stretches.append(Stretch(Period(inputs.first, "record"), 0, len(self.base)))
        self.units = self._bottom_up({*inputs.assigned, *inputs.observed, *wanted})
        self.children: dict[UUID, list[UUID]] = {}
        for unit in self.units:
            parent = inputs.places[unit].parent_id
            if parent is not None:
                self.children.setdefault(parent, []).append(unit)
        self.observed = {
            unit: [by_start.get(period.start) for period in self.base] for unit, by_start in inputs.observed.items()
        }
        days = [Span(period.start, calendar.last_day(period)) for period in self.base]
        self.expects = {unit: self._expects(unit, spans, days) for unit, spans in inputs.assigned.items()}
        self.begins = self._begins()

    def pools(self, stretch: Stretch) -> dict[UUID, Pool]:
        """Every unit's pool over a stretch."""
        pools: dict[UUID, Pool] = {}
        for unit in self.units:
            pools[unit] = self._pool(unit, stretch, [pools[child] for child in self.children.get(unit, ())])
        return pools

    def _pool(self, unit: UUID, stretch: Stretch, below: Sequence[Pool]) -> Pool:
        begin, end = stretch.begin, stretch.end
        own = self.observed.get(unit, [])[begin:end]
        expects = self.expects.get(unit, [])[begin:end]
        has_value = [one is not None and one.amount is not None for one in own]
        expected = sum(expects) + sum(pool.expected for pool in below)
        reported = sum(map(and_, expects, has_value)) + sum(pool.reported for pool in below)
        not_applicable = any(one is not None and one.status == NOT_APPLICABLE for one in own)
        not_applicable = not_applicable or any(pool.not_applicable for pool in below)
        rules = self.inputs.rules
        if any(has_value):
            parts = self._over_time(unit, stretch, own, below)
            single = stretch.period.frequency == self.inputs.frequency
            amount = parts[0].amount if single else pooled([p.amount for p in parts], rules.over_time, rules.factor)
            status = parts[0].status if single else combined(part.status for part in parts)
            parts = [Part(amount, status)] if amount is not None else []
        else:
            parts = [part for pool in below for part in pool.parts]
            amount = pooled([part.amount for part in parts], rules.over_units, rules.factor)
            status = combined(part.status for part in parts)
        reason = _reason(own, expects, below) if amount is None else None
        return Pool(amount, status, parts, reported, expected, not_applicable, reason, any(has_value))

    def _over_time(
        self, unit: UUID, stretch: Stretch, own: Sequence[Observation | None], below: Sequence[Pool]
    ) -> list[Part]:
        parts = []
        for index, one in enumerate(own, stretch.begin):
            if one is not None and one.amount is not None:
                parts.append(Part(one.amount, one.status))
            elif below:
                pool = self._alone(unit, index)
                if pool.amount is not None:
                    parts.append(Part(pool.amount, pool.status))
        return parts

    def _alone(self, unit: UUID, index: int) -> Pool:
        """A unit's pool in one of the indicator's own periods."""
        stretch = self.stretches[index]
        return self._pool(unit, stretch, [self._alone(child, index) for child in self.children.get(unit, ())])

    def _expects(self, unit: UUID, spans: Sequence[Span], days: Sequence[Span]) -> list[bool]:
        exists, own = self.inputs.places[unit].valid, self.inputs.observed.get(unit, {})
        return [
            exists.overlaps(day)
            and any(span.overlaps(day) for span in spans)
            and not ((one := own.get(day.valid_from)) and one.status == NOT_APPLICABLE)
            for day in days
        ]

    def _begins(self) -> dict[UUID, int | None]:
        """Where each unit's record begins: the first period in which something was expected or said at or below it."""
        begins: dict[UUID, int | None] = {}
        for unit in self.units:
            own, expects = self.observed.get(unit, []), self.expects.get(unit, [])
            first = [index for index, one in enumerate(own) if one is not None][:1]
            first += [index for index, one in enumerate(expects) if one][:1]
            below = (begins[child] for child in self.children.get(unit, ()))
            begins[unit] = min([*first, *(begin for begin in below if begin is not None)], default=None)
        return begins

    def _bottom_up(self, units: set[UUID]) -> list[UUID]:
        """The units with all above them, children before parents."""
        depth: dict[UUID, int] = {}
        for unit in units:
            line = []
            above: UUID | None = unit
            while above is not None and above not in depth:
                line.append(above)
                above = self.inputs.places[above].parent_id
            base = -1 if above is None else depth[above]
            depth |= {one: base + steps for steps, one in enumerate(reversed(line), 1)}
        return sorted(depth, key=lambda unit: (-depth[unit], unit))


def _reason(own: Sequence[Observation | None], expects: Sequence[bool], below: Sequence[Pool]) -> str:
    """Why there is no number: what all say who were expected; where nobody was, who said that it is not applicable."""
    if any(expects) or any(pool.expected for pool in below):
        said = {
            one.missing_reason if one else NOT_REPORTED
            for one, expected in zip_longest(own, expects, fillvalue=None)
            if expected
        }
        said |= {pool.missing_reason for pool in below if pool.expected}
        derived = NOT_REPORTED
    else:
        said = {one.missing_reason for one in own if one is not None and one.status == NOT_APPLICABLE}
        said |= {pool.missing_reason for pool in below if pool.not_applicable}
        derived = NOT_EXPECTED
    reason = said.pop() if len(said) == 1 else None
    return reason or derived
