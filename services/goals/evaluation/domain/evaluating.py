"""One indicator evaluated for its units, up the tree, for every kind of period."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from uuid import UUID

from services.goals.evaluation.domain.affected import Wanted
from services.goals.evaluation.domain.judging import Case, Status, TargetVersion, judged, trajectory
from services.goals.evaluation.domain.pooling import EXACT, told
from services.goals.evaluation.domain.record import Inputs, Pool, Record, Stretch
from services.goals.indicators.domain import Span
from services.goals.measurements.domain import MISSING, NOT_APPLICABLE, ObsStatus
from shared.periods.calendar import Frequency, Period

NOT_COMPUTABLE = "not_computable"
"""The reason of what was reported but makes no number: its rule adds nothing up, or it has too many digits."""
_ORDER: dict[Frequency, int] = {"month": 0, "quarter": 1, "year": 2, "record": 3}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One period of one unit: the number, its coverage, and how it stands.

    `reported` and `expected` count units for a period of the indicator's own frequency; for a longer one, the record
    included, they count the same pairs of unit and period summed up: unit-months reported of unit-months expected.
    Whoever says "not applicable" is not expected in that period.
    """

    period: Period
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    obs_status: ObsStatus
    missing_reason: str | None
    reported: int
    expected: int
    target: TargetVersion | None
    target_inherited_from: UUID | None
    derived: Decimal | None
    """What the target comes to in this period on the derived trajectory, where it was judged by that."""
    progress: Decimal | None
    status: Status
    status_rule: str


def evaluate(inputs: Inputs, wanted: Wanted) -> dict[UUID, list[Evaluated]]:
    """The evaluations of the wanted units, in the order of their periods.

    A unit is wanted for some periods of the indicator's frequency, which brings along the longer ones that hold them
    and the record, or for all of them (None). A period in which neither it nor one below is expected to report or has
    said anything is left out.

    What a unit reports for itself wins over pooling from below, period by period. A unit that reports is first added
    up over time, and the parts of a parent that does not are then added up over units, each reporting unit once: so a
    stock is the last one of each unit, summed over units. A parent that reports in some periods only is read over time
    as its own record, in which the others are pooled from below.
    """
    with localcontext(EXACT):
        result: dict[UUID, list[Evaluated]] = {unit: [] for unit in wanted}
        record = Record(inputs, wanted)
        # The record is never left out: its target is the one in force at the end of what anybody has recorded.
        asked = {unit: record.asked(some) & record.something[unit] for unit, some in wanted.items()}
        for stretch in record.stretches:
            whole = stretch.period.frequency == "record"
            within = record.something if whole else asked
            takers = [unit for unit in wanted if within[unit] & stretch.bits]
            if takers:
                pools = record.pools(stretch)
                for unit in takers:
                    result[unit].append(_judged(record, unit, stretch, pools[unit]))
        for evaluations in result.values():
            evaluations.sort(key=lambda one: (one.period.start, _ORDER[one.period.frequency]))
        return result


def _judged(record: Record, unit: UUID, stretch: Stretch, pool: Pool) -> Evaluated:
    period, end = stretch.period, record.end
    if period.frequency == "record":
        period = Period(record.begin(unit), "record")
    else:
        end = record.inputs.calendar.last_day(period)
    as_reported = pool.own and period.frequency == record.inputs.frequency
    amount = pool.amount
    value = numerator = denominator = None
    if amount is not None:
        # What was reported keeps its digits; what was computed is rounded here, once.
        value = amount.value if as_reported else told(amount.value)
        numerator, denominator = (amount.numerator, amount.denominator) if as_reported else map(told, amount[1:])
    target, owner = _in_force(record.inputs, unit, end)
    comparable = target is not None and _comparable(record.inputs, target, period)
    verdict = judged(
        Case(
            value=value,
            expected=pool.expected,
            not_applicable=pool.not_applicable,
            asks=target.asks if target else None,
            comparable=comparable,
            derived=trajectory(target, end, record.inputs.calendar) if target and comparable else None,
        )
    )
    status, reason = (pool.status, None) if value is not None else _missing(pool)
    return Evaluated(
        period=period,
        value=value,
        numerator=numerator,
        denominator=denominator,
        obs_status=status,
        missing_reason=reason,
        reported=pool.reported,
        expected=pool.expected,
        target=target if comparable else None,
        target_inherited_from=owner if comparable and owner != unit else None,
        derived=verdict.derived,
        progress=verdict.progress,
        status=verdict.status,
        status_rule=verdict.rule,
    )


def _missing(pool: Pool) -> tuple[ObsStatus, str | None]:
    """The status and the reason of a pool that has no number to tell."""
    if pool.reported or pool.amount is not None:
        return NOT_APPLICABLE, NOT_COMPUTABLE
    return (MISSING if pool.expected else NOT_APPLICABLE), pool.missing_reason


def _in_force(inputs: Inputs, unit: UUID, day: date) -> tuple[TargetVersion, UUID] | tuple[None, None]:
    """The unit's own newest version that holds on a day, else that of the nearest unit above that applies below."""
    above: UUID | None = unit
    while above is not None:
        holding = [one for one in inputs.targets.get(above, ()) if one.valid.overlaps(Span(day, day))]
        newest = max(holding, key=lambda one: one.version, default=None)
        if newest is not None and (above == unit or newest.applies_below):
            return newest, above
        above = inputs.places[above].parent_id
    return None, None


def _comparable(inputs: Inputs, target: TargetVersion, period: Period) -> bool:
    """Whether a period can be held against a target: where periods are summed, only one of the target's length.

    That is the length of the baseline's period, else the indicator's own; a year's total says nothing about a
    target for a month. Any other rule over time keeps the size of the number, whatever the length.
    """
    if inputs.rules.over_time != "sum":
        return True
    own = target.baseline_period.frequency if target.baseline_period else inputs.frequency
    return period.frequency == own
