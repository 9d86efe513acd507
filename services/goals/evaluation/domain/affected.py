"""What has to be evaluated again after some inputs were touched."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from services.goals.recalculation.domain import Touched

_DAY = timedelta(days=1)


class Reach(NamedTuple):
    """From the first to the last period in which somebody had something to report of an indicator."""

    first: date
    last: date

    def beyond(self, other: "Reach | None") -> "tuple[Reach, ...] | None":
        """What of this one the other did not have; None where it does not hold the other."""
        if other is None or self.first > other.first or self.last < other.last:
            return None
        parts = []
        if self.first < other.first:
            parts.append(Reach(self.first, other.first - _DAY))
        if self.last > other.last:
            parts.append(Reach(other.last + _DAY, self.last))
        return tuple(parts)


class Asked(NamedTuple):
    """Periods of an indicator, by their first days: some, and all between two days."""

    starts: frozenset[date]
    reaches: tuple[Reach, ...] = ()


Wanted = Mapping[UUID, Asked | None]
"""For each unit the periods that were touched, or None for all of them."""


def affected(
    touched: Iterable[Touched],
    *,
    parents: Mapping[UUID, UUID | None],
    related: Collection[UUID],
    passing_down: Collection[UUID],
    beyond: tuple[Reach, ...] | None,
) -> Wanted:
    """The units and periods that the touched inputs reach, among those that have to do with the indicator.

    A value reaches its unit and all above. What is touched for all periods (a target, an assignment) reaches all
    periods, and the units below as well where a target of the unit applies to them. A unit that is touched for every
    indicator was moved, begun or ended: the tree is another one, so everything is computed again. Where the indicator
    reaches beyond what it reached before, every unit gets the new periods, because whoever is silent is missing there;
    where it reaches less far (None), all of them, because nobody is missing there any more.
    """
    touched = list(touched)
    if beyond is None or any(one.unit_id is None or one.indicator_id is None for one in touched):
        return dict.fromkeys(related)
    wanted: dict[UUID, set[date] | None] = {unit: set() for unit in related} if beyond else {}
    for one in touched:
        if one.unit_id is None:
            continue
        units = list(upwards(one.unit_id, parents))
        if one.period is None and one.unit_id in passing_down:
            units += [unit for unit in related if one.unit_id in upwards(unit, parents)]
        for unit in units:
            if unit not in related:
                continue
            held = wanted.setdefault(unit, set())
            if one.period is None:
                wanted[unit] = None
            elif held is not None:
                held.add(one.period.start)
    return {unit: None if starts is None else Asked(frozenset(starts), beyond) for unit, starts in wanted.items()}


def with_all_above(units: Iterable[UUID], parents: Mapping[UUID, UUID | None]) -> set[UUID]:
    """The units and everything above them."""
    closed: set[UUID] = set()
    for unit in units:
        for above in upwards(unit, parents):
            if above in closed:
                break
            closed.add(above)
    return closed


def upwards(unit: UUID, parents: Mapping[UUID, UUID | None]) -> Iterator[UUID]:
    """A unit and those above it, up to the root."""
    above: UUID | None = unit
    while above is not None:
        yield above
        above = parents.get(above)
