"""What was reported and expected of one indicator, laid out by unit and period and pooled up the tree."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from operator import and_
from typing import NamedTuple
from uuid import UUID

from services.goals.evaluation.domain.affected import Asked
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

    `first` and `last` are the periods between which anybody has something to report: who is assigned is expected in
    all of them, so that a unit which fell silent is seen to be missing. Without them nobody is expected.
    """

    calendar: FiscalCalendar
    frequency: ReportedFrequency
    rules: Rules
    first: date | None
    last: date | None
    places: Mapping[UUID, Place]
    assigned: Mapping[UUID, Sequence[Span]]
    observed: Mapping[UUID, Mapping[date, Observation]]
    targets: Mapping[UUID, Sequence[TargetVersion]]


class Stretch(NamedTuple):
    """A period as a range of those of the indicator's own periods that have something."""

    period: Period
    begin: int
    end: int

    @property
    def bits(self) -> int:
        """The range as a set of places, one bit each."""
        return (1 << self.end) - (1 << self.begin)


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
    """The inputs laid out by unit and period, as far as there is something: expected, reported or said to be missing.

    Calendar periods without anything are not laid out, and a unit takes part only where it or one below has something:
    a slip of a century costs one period, not all since.
    """

    def __init__(self, inputs: Inputs, wanted: Iterable[UUID]) -> None:
        self.inputs = inputs
        calendar, frequency = inputs.calendar, inputs.frequency
        expected = {unit: list(self._expected(unit, spans)) for unit, spans in inputs.assigned.items()}
        self.base = self._periods([stretch for stretches in expected.values() for stretch in stretches])
        self.starts = [period.start for period in self.base]
        self.stretches = [Stretch(period, index, index + 1) for index, period in enumerate(self.base)]
        for longer in _ABOVE[frequency]:
            held: dict[Period, list[int]] = {}
            for index, period in enumerate(self.base):
                held.setdefault(calendar.containing(period.start, longer), []).append(index)
            self.stretches += [Stretch(period, within[0], within[-1] + 1) for period, within in held.items()]
        self.stretches += [Stretch(Period(start, "record"), 0, len(self.base)) for start in self.starts[:1]]
        self.units = self._bottom_up({*inputs.assigned, *inputs.observed, *wanted})
        self.children: dict[UUID, list[UUID]] = {}
        for unit in self.units:
            parent = inputs.places[unit].parent_id
            if parent is not None:
                self.children.setdefault(parent, []).append(unit)
        self.observed = {
            unit: [by_start.get(period.start) for period in self.base] for unit, by_start in inputs.observed.items()
        }
        self.expects = {unit: self._expects(unit, stretches) for unit, stretches in expected.items()}
        self.something = self._something()

    @property
    def end(self) -> date:
        """The last day of all that is recorded."""
        last = self.inputs.last or self.starts[-1]
        return self.inputs.calendar.last_day(Period(last, self.inputs.frequency))

    def begin(self, unit: UUID) -> date:
        """Where a unit's record begins: the first period in which it or one below has something."""
        bits = self.something[unit]
        return self.starts[(bits & -bits).bit_length() - 1]

    def asked(self, asked: Asked | None) -> int:
        """The asked periods as a set of places."""
        if asked is None:
            return -1
        bits = sum(1 << bisect_left(self.starts, start) for start in asked.starts.intersection(self.starts))
        for reach in asked.reaches:
            begin, end = bisect_left(self.starts, reach.first), bisect_right(self.starts, reach.last)
            bits |= (1 << end) - (1 << begin)
        return bits

    def pools(self, stretch: Stretch) -> dict[UUID, Pool]:
        """The pools over a stretch, of every unit that has something in it."""
        pools: dict[UUID, Pool] = {}
        bits = stretch.bits
        for unit in self.units:
            if self.something[unit] & bits:
                below = [pools[child] for child in self.children.get(unit, ()) if child in pools]
                pools[unit] = self._pool(unit, stretch, below)
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
        children = (child for child in self.children.get(unit, ()) if self.something[child] >> index & 1)
        return self._pool(unit, self.stretches[index], [self._alone(child, index) for child in children])

    def _expected(self, unit: UUID, spans: Iterable[Span]) -> Iterator[tuple[date, date]]:
        """From which period to which a unit is expected to report, once for each assignment."""
        inputs, exists = self.inputs, self.inputs.places[unit].valid
        if inputs.first is None or inputs.last is None:
            return
        last_day = inputs.calendar.last_day(Period(inputs.last, inputs.frequency))
        for span in spans:
            begin = max(inputs.first, exists.valid_from, span.valid_from)
            end = min(last_day, exists.valid_to or last_day, span.valid_to or last_day)
            if begin <= last_day and end >= inputs.first:
                first = inputs.calendar.containing(begin, inputs.frequency).start
                last = inputs.calendar.containing(end, inputs.frequency).start
                if first <= last:
                    yield first, last

    def _periods(self, expected: Collection[tuple[date, date]]) -> list[Period]:
        """The periods in which anybody has something, in order."""
        calendar, frequency = self.inputs.calendar, self.inputs.frequency
        starts = {start for by_start in self.inputs.observed.values() for start in by_start}
        for first, last in set(expected):
            starts.update(one.start for one in calendar.every(Period(first, frequency), Period(last, frequency)))
        return [Period(start, frequency) for start in sorted(starts)]

    def _expects(self, unit: UUID, expected: Iterable[tuple[date, date]]) -> list[bool]:
        expects = [False] * len(self.base)
        for first, last in expected:
            begin, end = bisect_left(self.starts, first), bisect_right(self.starts, last)
            expects[begin:end] = [True] * (end - begin)
        for index, one in enumerate(self.observed.get(unit, ())):
            if one is not None and one.status == NOT_APPLICABLE:
                expects[index] = False
        return expects

    def _something(self) -> dict[UUID, int]:
        """In which periods a unit or one below it has something, as a set of places."""
        something: dict[UUID, int] = {}
        for unit in self.units:
            bits = 0
            said, expects = self.observed.get(unit, ()), self.expects.get(unit, ())
            for index, (one, expected) in enumerate(zip_longest(said, expects, fillvalue=None)):
                if one is not None or expected:
                    bits |= 1 << index
            for child in self.children.get(unit, ()):
                bits |= something[child]
            something[unit] = bits
        return something

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
