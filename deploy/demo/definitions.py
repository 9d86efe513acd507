"""What the demo measures: its indicators, the national standard, and the survey."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.demo.answers import SIMULATED, SURVEY, questions
from deploy.demo.record import Month

STANDARD = "95"
"""The four-hour standard: 95 % of attendances."""
EXPERIENCE = "ae-experience"


@dataclass(frozen=True, slots=True)
class Measured:
    """An indicator of the record, and how one month of an organisation is reported for it."""

    definition: dict[str, Any]
    report: Callable[[Month], dict[str, str]]

    @property
    def code(self) -> str:
        """What callers know the indicator by."""
        return str(self.definition["code"])


_REPORTING = "The months each organisation is expected to report are taken from its first to its last month on record."

FOUR_HOURS = Measured(
    {
        "code": "ae-4h",
        "name": {"en": "Four-hour waits in A&E"},
        "definition": {
            "en": "Share of A&E attendances, all department types, that were admitted, transferred or discharged "
            f"within four hours of arrival. {_REPORTING}"
        },
        "direction": "increase",
        "unit_of_measure": {"en": "%"},
        "decimals": 2,
        "ratio": {
            "numerator": {"en": "Attendances seen within four hours"},
            "denominator": {"en": "Attendances"},
            "factor": "100",
        },
        "aggregation_over_time": "pooled_ratio",
        "aggregation_over_units": "pooled_ratio",
        "disclosure_class": "open",
        "calendar": "main",
        "frequency": "month",
    },
    lambda month: {"numerator": str(month.within_four_hours), "denominator": str(month.attendances)},
)


def _count(code: str, name: str, definition: str, report: Callable[[Month], dict[str, str]]) -> Measured:
    return Measured(
        {
            "code": code,
            "name": {"en": name},
            "definition": {"en": f"{definition} {_REPORTING}"},
            "direction": "neutral",
            "unit_of_measure": {"en": "people"},
            "decimals": 0,
            "aggregation_over_time": "sum",
            "aggregation_over_units": "sum",
            "disclosure_class": "open",
            "calendar": "main",
            "frequency": "month",
        },
        report,
    )


ATTENDANCES = _count(
    "ae-attendances",
    "A&E attendances",
    "Number of attendances at A&E departments of all types.",
    lambda month: {"value": str(month.attendances)},
)
ADMISSIONS = _count(
    "ae-admissions",
    "Emergency admissions through A&E",
    "Number of emergency admissions through A&E departments of all types.",
    lambda month: {"value": str(month.admissions)},
)
MEASURED = (FOUR_HOURS, ATTENDANCES, ADMISSIONS)

EXPERIENCE_INDICATOR: dict[str, Any] = {
    "code": EXPERIENCE,
    "name": {"en": "Experience of A&E"},
    "definition": {
        "en": "Mean score of the answers to «Overall, how was your experience of our service?», from 1 (very poor) "
        "to 5 (very good). «Don't know» is left out. Scores appear in steps of at least ten answers."
    },
    "notice": SIMULATED,
    "direction": "increase",
    "unit_of_measure": {"en": "score from 1 to 5"},
    "decimals": 2,
    "ratio": {"numerator": {"en": "Sum of scores"}, "denominator": {"en": "Scored answers"}, "factor": "1"},
    "aggregation_over_time": "pooled_ratio",
    "aggregation_over_units": "pooled_ratio",
    "disclosure_class": "open",
    "calendar": "main",
    "frequency": "month",
}


def standard(indicator: str, unit: str) -> dict[str, Any]:
    """The national standard, for every unit below as well."""
    return {
        "indicator": indicator,
        "unit": unit,
        "type": "maintain_at_or_above",
        "value": STANDARD,
        "valid_from": "2016-04-01",
        "applies_below": True,
        "reason": "Operational standard in the NHS Constitution handbook: 95 % within four hours",
    }


def experience_survey(unit: str) -> dict[str, Any]:
    """The survey whose first question feeds the experience indicator."""
    return {"code": SURVEY, "title": {"en": "Your visit to A&E"}, "notice": SIMULATED, "unit": unit, "threshold": 10}


def experience_version(unit: str) -> dict[str, Any]:
    """The questions of the survey."""
    return {
        "unit": unit,
        "introduction": {"en": "It takes a minute. We store the day of your answer, and nothing about you."},
        "questions": questions(EXPERIENCE),
    }
