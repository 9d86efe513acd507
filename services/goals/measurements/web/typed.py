"""What somebody has typed into the form of a period, as values, and what is wrong with it in plain words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import get_args

from services.goals.measurements.domain import NOT_APPLICABLE, WITHOUT_VALUE, ObsStatus, Reported
from services.goals.measurements.operations.entering import Entered
from services.goals.measurements.queries.asked import AskedNumber
from shared.decimals import DECIMAL_PATTERN, plain
from shared.errors import FieldError
from shared.periods.calendar import Period

NUMBERS = ("value", "numerator", "denominator")
STATUSES: dict[ObsStatus, str] = {
    "A": "Normal",
    "P": "Provisional",
    "E": "Estimated",
    "B": "Break: not comparable with earlier periods",
    "O": "Missing: there should be a number",
    "M": "Not applicable: there can be no number",
}
ACCEPTED = "Write a number with a point and no comma, such as 1234.5 or 1\N{NO-BREAK SPACE}234.5"
_NUMBER, _GROUPED = re.compile(DECIMAL_PATTERN), re.compile(r"-?[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST = 100


@dataclass(slots=True)
class Typed:
    """The fields of one indicator as they were typed, and what is wrong with each."""

    value: str = ""
    numerator: str = ""
    denominator: str = ""
    obs_status: str = "A"
    missing_reason: str = ""
    seen: int = 0
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def says_nothing(self) -> bool:
        """Whether every field is as an empty form has it."""
        typed = (self.value, self.numerator, self.denominator, self.missing_reason)
        return self.obs_status == "A" and not any(typed)

    def entered(self, period: Period) -> Entered | None:
        """What it says, or None where some field cannot be read; `errors` then has the reason of each."""
        numbers = {name: self._number(name) for name in NUMBERS}
        status = next((each for each in get_args(ObsStatus) if each == self.obs_status), None)
        if status is None:
            self.errors["obs_status"] = "Choose one of the list"
        if self.missing_reason and not _REASON.fullmatch(self.missing_reason):
            self.errors["missing_reason"] = "Write a short code in small letters, such as system_outage"
        if self.errors or status is None:
            return None
        return Entered(
            Reported(period, **numbers, obs_status=status, missing_reason=self.missing_reason or None), self.seen
        )

    def _number(self, name: str) -> Decimal | None:
        typed = getattr(self, name).translate(_SPACES)
        if not typed:
            return None
        bare = typed.replace(" ", "") if _GROUPED.fullmatch(typed) else typed
        if _NUMBER.match(bare):
            return Decimal(bare)
        self.errors[name] = f"“{typed[:40]}” cannot be read. {ACCEPTED}"
        return None


def as_it_stands(asked: AskedNumber) -> Typed:
    """The fields as a fresh form has them."""
    stands = asked.standing
    if stands is None:
        return Typed()
    is_ratio = asked.indicator.ratio_factor is not None
    return Typed(
        value="" if is_ratio else _written(stands.value),
        numerator=_written(stands.numerator),
        denominator=_written(stands.denominator),
        obs_status=stands.obs_status,
        missing_reason=stands.missing_reason or "",
        seen=stands.vintage,
    )


def as_typed(asked: AskedNumber, form: Mapping[str, str]) -> Typed:
    """The fields as they were sent."""
    code = asked.indicator.code

    def sent(name: str) -> str:
        return form.get(f"{code}:{name}", "").strip()[:_LONGEST]

    seen = sent("seen")
    return Typed(
        value=sent("value"),
        numerator=sent("numerator"),
        denominator=sent("denominator"),
        missing_reason=sent("missing_reason"),
        obs_status=sent("obs_status") or "A",
        seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0,
    )


def in_plain_words(error: FieldError, typed: Typed, own: str) -> tuple[str, str]:
    """The field that an error is about, and what to do there; `own` is the first one, for what is about no field."""
    name = error.where.strip("/")
    without = typed.obs_status in WITHOUT_VALUE
    if name in NUMBERS and without:
        return name, "Leave this empty, since the status says that there is no number; or choose another status"
    if name == "denominator" and error.sent is not None:
        nothing = STATUSES[NOT_APPLICABLE].partition(":")[0]
        return name, f"Write more than 0. With nothing to count, choose “{nothing}” and give the reason"
    if name in NUMBERS and error.sent is None:
        return name, "Write the number; or choose “Missing” or “Not applicable” and give the reason"
    if name == "missing_reason":
        needed = "Give the reason as a short code in small letters, such as system_outage"
        return name, needed if without else "Leave this empty, or choose “Missing” or “Not applicable”"
    return (name if name in NUMBERS else own), f"This needs {error.accepted}"


def _written(value: Decimal | None) -> str:
    return "" if value is None else plain(value)
