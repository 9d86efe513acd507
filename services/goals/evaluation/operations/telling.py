"""Evaluations in the words of the contract."""

from collections.abc import Iterator, Sequence
from typing import Any

from services.goals.evaluation.domain.evaluating import Evaluated
from services.goals.evaluation.domain.judging import (
    RULE_SET_NAME,
    RULE_SET_PARAMETERS,
    RULE_SET_VERSION,
    TargetVersion,
)
from services.goals.evaluation.domain.record import NOT_EXPECTED
from services.goals.measurements.domain import NOT_APPLICABLE
from shared.contracts import EvaluatedPeriod, PeriodKey, RuleSet, TargetValue
from shared.messaging.outbox import DEEPEST_CAUSE, Cause
from shared.periods.calendar import Period

RULE_SET = RuleSet(name=RULE_SET_NAME, version=RULE_SET_VERSION, parameters=RULE_SET_PARAMETERS)
LARGEST_TELLING = 200_000
"""Bytes of periods in one event, well below what an event may hold."""
_PERIOD_WITHOUT_TARGET = 480


class Rendering:
    """Periods as columns and as parts of an event; a target that holds for many periods is put into words once."""

    def __init__(self) -> None:
        self._targets: dict[tuple[int, Any], tuple[TargetValue, dict[str, Any]]] = {}

    def row(self, one: Evaluated) -> dict[str, Any]:
        """The columns of a period."""
        return {
            "frequency": one.period.frequency,
            "period_start": one.period.start,
            "value": one.value,
            "numerator": one.numerator,
            "denominator": one.denominator,
            "obs_status": one.obs_status,
            "missing_reason": one.missing_reason,
            "reported": one.reported,
            "expected": one.expected,
            "held_back": 0,
            "target": self._target(one.target, one)[1] if one.target else None,
            "target_inherited_from": one.target_inherited_from,
            "target_derived": one.derived is not None,
            "progress": one.progress,
            "status": one.status,
            "status_rule": one.status_rule,
        }

    def period(self, one: Evaluated) -> EvaluatedPeriod:
        """A period as the event tells it."""
        return EvaluatedPeriod(
            period=PeriodKey(frequency=one.period.frequency, start=one.period.start),
            value=one.value,
            numerator=one.numerator,
            denominator=one.denominator,
            obs_status=one.obs_status,
            missing_reason=one.missing_reason,
            reported=one.reported,
            expected=one.expected,
            target=self._target(one.target, one)[0] if one.target else None,
            target_inherited_from=one.target_inherited_from,
            target_derived=one.derived is not None,
            progress=one.progress,
            status=one.status,
            status_rule=one.status_rule,
        )

    def _target(self, target: TargetVersion, one: Evaluated) -> tuple[TargetValue, dict[str, Any]]:
        key = (id(target), one.derived)
        if key not in self._targets:
            baseline = target.baseline_period
            value = TargetValue(
                type=target.type,
                value=target.value if one.derived is None else one.derived,
                low=target.low,
                high=target.high,
                baseline=target.baseline,
                baseline_period=PeriodKey(frequency=baseline.frequency, start=baseline.start) if baseline else None,
                milestone=dict(target.milestone) if target.milestone else None,
            )
            self._targets[key] = value, value.model_dump(mode="json")
        return self._targets[key]


def closed(period: Period) -> EvaluatedPeriod:
    """What is told once of a period in which there was something and now is nothing, not even expected."""
    return EvaluatedPeriod(
        period=PeriodKey(frequency=period.frequency, start=period.start),
        value=None,
        obs_status=NOT_APPLICABLE,
        missing_reason=NOT_EXPECTED,
        reported=0,
        expected=0,
        status="not_expected",
        status_rule="not_expected",
    )


def pieces(periods: Sequence[EvaluatedPeriod]) -> Iterator[list[EvaluatedPeriod]]:
    """The periods in events that are not too large, in order; one empty event where there are none."""
    piece: list[EvaluatedPeriod] = []
    size = 0
    for one in periods:
        weight = _PERIOD_WITHOUT_TARGET + (len(one.target.model_dump_json()) if one.target else 0)
        if piece and size + weight > LARGEST_TELLING:
            yield piece
            piece, size = [], 0
        piece.append(one)
        size += weight
    yield piece


def within_depth(cause: Cause | None) -> Cause | None:
    """The cause, so that the evaluation of the deepest allowed event can still be told; nothing may follow from it."""
    return cause and Cause(cause.event_id, min(cause.depth, DEEPEST_CAUSE - 1))
