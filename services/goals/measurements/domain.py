"""What may be recorded: a value against the rules of its indicator, as pure values."""

from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import Literal

from services.goals.indicators.domain import Span
from services.goals.measurements.errors import MeasurementInvalid
from shared.decimals import divided, plain, rounded
from shared.errors import FieldError
from shared.periods.calendar import FIRST_YEAR, FiscalCalendar, Frequency, NotAPeriod, Period

ObsStatus = Literal["A", "P", "E", "B", "M", "O"]
MISSING: ObsStatus = "O"
NOT_APPLICABLE: ObsStatus = "M"
"""SDMX's O is a missing value; its M a missing value of which the data cannot exist."""
WITHOUT_VALUE: frozenset[ObsStatus] = frozenset({MISSING, NOT_APPLICABLE})
_TOO_LARGE = Decimal(10) ** 18
_EXACT = Context(prec=60)
"""Holds the product of two reported decimals digit by digit; the default of 28 digits does not."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What somebody says about one period: a number, or why there is none."""

    period: Period
    value: Decimal | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    obs_status: ObsStatus = "A"
    missing_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What an indicator asks of its values; a `factor` makes it a ratio.

    A unit that `exists` from one day to another has values for periods of that time. A released score is taken as it
    is: the survey has decided where its answers belong.
    """

    frequency: Frequency
    calendar: FiscalCalendar
    factor: Decimal | None
    exists: Span | None = None


def checked(reported: Reported, rules: Rules, *, today: date) -> Reported:
    """The same with the value of a ratio computed, or every reason why it cannot be recorded at once."""
    wrong = [*_wrong_period(reported.period, rules, today), *_wrong_status(reported)]
    if reported.obs_status not in WITHOUT_VALUE:
        wrong += _wrong_plain(reported) if rules.factor is None else _wrong_ratio(reported)
    if wrong:
        raise MeasurementInvalid("The measurement cannot be recorded as it is.", wrong)
    if rules.factor is None or reported.numerator is None or reported.denominator is None:
        return reported
    value = divided(_EXACT.multiply(reported.numerator, rules.factor), reported.denominator)
    if abs(value) >= _TOO_LARGE:
        raise MeasurementInvalid(
            "The ratio is too large.", [FieldError("/numerator", "a ratio of fewer than 19 digits before the point")]
        )
    return Reported(reported.period, rounded(value), reported.numerator, reported.denominator, reported.obs_status)


def _wrong_period(period: Period, rules: Rules, today: date) -> list[FieldError]:
    if period.frequency != rules.frequency:
        return [FieldError("/period/frequency", f"{rules.frequency}, as the indicator has", period.frequency)]
    try:
        rules.calendar.checked(period)
    except NotAPeriod:
        accepted = f"the first day of a {rules.frequency} in the indicator's calendar, {FIRST_YEAR} or later"
        return [FieldError("/period/start", accepted, period.start.isoformat())]
    if period.start > today:
        accepted = f"a period that has begun by {today.isoformat()}"
        return [FieldError("/period/start", accepted, period.start.isoformat())]
    if rules.exists and not rules.exists.overlaps(Span(period.start, rules.calendar.last_day(period))):
        first, last = rules.exists.valid_from, rules.exists.valid_to
        until = f" and begins by {last.isoformat()}, its last one" if last else ""
        accepted = f"a period that ends on {first.isoformat()}, the unit's first day, or later{until}"
        return [FieldError("/period/start", accepted, period.start.isoformat())]
    return []


def _wrong_status(reported: Reported) -> list[FieldError]:
    if reported.obs_status not in WITHOUT_VALUE:
        if reported.missing_reason is None:
            return []
        accepted = "only with obs_status O (missing) or M (not applicable)"
        return [FieldError("/missing_reason", accepted, reported.missing_reason)]
    wrong = [
        FieldError(
            f"/{name}", f"nothing, since obs_status {reported.obs_status} says that there is no value", plain(number)
        )
        for name, number in _numbers(reported).items()
        if number is not None
    ]
    if reported.missing_reason is None:
        wrong.append(FieldError("/missing_reason", f"a reason code, needed with obs_status {reported.obs_status}"))
    return wrong


def _wrong_plain(reported: Reported) -> list[FieldError]:
    wrong = [
        FieldError(f"/{name}", "nothing, since the indicator is not a ratio", plain(number))
        for name, number in _numbers(reported).items()
        if name != "value" and number is not None
    ]
    if reported.value is None:
        wrong.append(FieldError("/value", "a decimal, or obs_status O or M with a missing_reason"))
    return wrong


def _wrong_ratio(reported: Reported) -> list[FieldError]:
    wrong = [
        FieldError(f"/{name}", "a decimal, since the indicator is a ratio")
        for name, number in _numbers(reported).items()
        if name != "value" and number is None
    ]
    if reported.value is not None:
        accepted = "nothing, since the value of a ratio is computed from numerator and denominator"
        wrong.append(FieldError("/value", accepted, plain(reported.value)))
    if reported.denominator is not None and reported.denominator <= 0:
        accepted = "more than 0; a period with nothing to count is reported with obs_status M and a missing_reason"
        wrong.append(FieldError("/denominator", accepted, plain(reported.denominator)))
    return wrong


def _numbers(reported: Reported) -> dict[str, Decimal | None]:
    return {"value": reported.value, "numerator": reported.numerator, "denominator": reported.denominator}


@dataclass(frozen=True, slots=True)
class Release:
    """A release of a cell: which one it is, counted from 1, whether it is the last, and the body's day it came on."""

    number: int
    final: bool
    day: date


@dataclass(frozen=True, slots=True)
class Taken:
    """What has been taken of a cell: the newest release, the day of its last provisional one, whether it is done."""

    number: int = 0
    day: date | None = None
    closed: bool = False


def what_to_do(release: Release, taken: Taken) -> Literal["take", "wait", "nothing"]:
    """The first provisional release of a day is taken at once, the others wait for the day's end, a final one never.

    What is no newer than what was taken, or comes after the final one, is no news: it has been replayed.
    """
    if taken.closed or release.number <= taken.number:
        return "nothing"
    first_of_its_day = taken.day is None or release.day > taken.day
    return "take" if release.final or first_of_its_day else "wait"
