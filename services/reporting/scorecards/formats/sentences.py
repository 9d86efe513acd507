"""How a number stands, in a plain sentence beside the name of the rule that decided it."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from services.reporting.charts.formats import words
from services.reporting.facts.domain import Status
from services.reporting.scorecards.domain.answers import Coverage, IndicatorRef, Target
from services.reporting.scorecards.formats.reasons import NOT_COMPUTABLE, reason_given
from shared.texts import in_language

NO_VALUE = "no value"


def number(value: Decimal, indicator: IndicatorRef, languages: Sequence[str] = ()) -> str:
    """The value at the indicator's decimals with its unit of measure: `86.60 %`."""
    return words.with_unit(value, indicator.decimals, in_language(indicator.unit_of_measure, *languages))


def status_sentence(
    status: Status,
    *,
    rule: str,
    indicator: IndicatorRef,
    value: Decimal | None,
    target: Target | None,
    coverage: Coverage,
    missing_reason: str | None,
    languages: Sequence[str] = (),
) -> str:
    """Why the status is what it is, for somebody who has never read the rules."""

    def shown(decimal: Decimal | None) -> str:
        return NO_VALUE if decimal is None else number(decimal, indicator, languages)

    if rule == "not_applicable":
        return f"This does not apply here in this period.{reason_given(missing_reason)}"
    if status == "not_expected":
        return "Nothing is expected to be reported for this period."
    if value is None:
        return _nothing_reported(coverage, missing_reason)
    if rule == "target_for_another_frequency":
        return f"{shown(value)}; the target is for periods of another length."
    if status == "no_information" or target is None or target.type == "undefined":
        return f"{shown(value)}, with no target to hold it against."
    return _judged(status, shown(value), target, shown, languages) + _origin(target, languages)


def _nothing_reported(coverage: Coverage, missing_reason: str | None) -> str:
    if missing_reason == NOT_COMPUTABLE:
        return "What has been reported for this period cannot be put into one number."
    reason = reason_given(missing_reason)
    if coverage.expected > 1:
        return f"None of the {coverage.expected} units expected to report has done so for this period.{reason}"
    return f"No value has been reported for this period.{reason}"


def _judged(
    status: Status, value: str, target: Target, shown: Callable[[Decimal | None], str], languages: Sequence[str]
) -> str:
    good = status in ("met", "on_track")
    if target.type == "milestone":
        name = in_language(target.milestone or {}, *languages)
        return f"The milestone «{name}» has {'' if good else 'not '}been reached."
    if target.type == "range":
        inside = "lies inside" if good else "lies outside"
        return f"{value} {inside} the range from {shown(target.low)} to {shown(target.high)}."
    goal = shown(target.value)
    if status in ("on_track", "off_track"):
        return f"{value} {'keeps up with' if good else 'falls behind'} the way to the target, now at {goal}."
    if target.type in ("decrease_to", "maintain_at_or_below"):
        return f"{value} is {'within' if good else 'above'} the target of {goal} or less."
    return f"{value} {'reaches' if good else 'is below'} the target of {goal} or more."


def _origin(target: Target, languages: Sequence[str]) -> str:
    said = ""
    if target.derived:
        said += " The period has no target of its own: that is on the line from the baseline to the target."
    if target.inherited_from is not None:
        name = in_language(target.inherited_from.name, *languages)
        said += f" It is the target of {name}, which holds for the units below."
    return said
