"""How a number stands, in a plain sentence."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.reporting.facts.domain import Status
from services.reporting.scorecards.domain.answers import Coverage, IndicatorRef, Target, TargetType, UnitRef
from services.reporting.scorecards.formats.reasons import observed_as
from services.reporting.scorecards.formats.sentences import status_sentence

INDICATOR = IndicatorRef(
    id=uuid4(),
    code="visits",
    name={"en": "Visits"},
    definition={"en": "Visits"},
    direction="increase",
    unit_of_measure={"en": "visits"},
    decimals=0,
    numerator=None,
    denominator=None,
    factor=None,
    frequency="month",
    disclosure_class="open",
)


def target(kind: TargetType, value: str | None = "1200", **changed: Any) -> Target:
    fields: dict[str, Any] = {
        "value": value and Decimal(value),
        "low": None,
        "high": None,
        "baseline": None,
        "milestone": None,
        "inherited_from": None,
        "derived": False,
    }
    return Target(type=kind, **(fields | changed))


def sentence(
    status: Status, asked: Target | None = None, value: str | None = "1234.5", rule: str = "", **changed: Any
) -> str:
    fields: dict[str, Any] = {"coverage": Coverage(1, 1), "missing_reason": None}
    return status_sentence(
        status,
        rule=rule,
        indicator=INDICATOR,
        value=Decimal(value) if value else None,
        target=asked,
        **(fields | changed),
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (sentence("met", target("increase_to")), "1,234 visits reaches the target of 1,200 visits or more."),
        (
            sentence("not_met", target("maintain_at_or_above")),
            "1,234 visits is below the target of 1,200 visits or more.",
        ),
        (sentence("met", target("decrease_to")), "1,234 visits is within the target of 1,200 visits or less."),
        (
            sentence("not_met", target("maintain_at_or_below")),
            "1,234 visits is above the target of 1,200 visits or less.",
        ),
        (
            sentence("not_met", target("range", None, low=Decimal(1), high=Decimal(2))),
            "1,234 visits lies outside the range from 1 visits to 2 visits.",
        ),
        (
            sentence("met", target("milestone", None, milestone={"en": "Opened"})),
            "The milestone «Opened» has been reached.",
        ),
        (
            sentence("off_track", target("increase_to", derived=True)),
            "1,234 visits falls behind the way to the target, now at 1,200 visits. "
            "The period has no target of its own: that is on the line from the baseline to the target.",
        ),
        (
            sentence(
                "met", target("increase_to", inherited_from=UnitRef(uuid4(), "ENG", {"en": "England"}, "national"))
            ),
            "1,234 visits reaches the target of 1,200 visits or more. "
            "It is the target of England, which holds for the units below.",
        ),
        (sentence("no_information"), "1,234 visits, with no target to hold it against."),
        (
            sentence("no_information", target("increase_to"), rule="target_for_another_frequency"),
            "1,234 visits; the target is for periods of another length.",
        ),
        (sentence("not_expected", value=None), "Nothing is expected to be reported for this period."),
        (sentence("not_expected", value=None, rule="not_applicable"), "This does not apply here in this period."),
        (
            sentence("not_expected", value=None, rule="not_applicable", missing_reason="no_such_service"),
            "This does not apply here in this period. The reason given is «no_such_service».",
        ),
        (
            sentence("no_information", value=None, missing_reason="not_reported"),
            "No value has been reported for this period.",
        ),
        (
            sentence("no_information", value=None, missing_reason="not_computable", coverage=Coverage(2, 3)),
            "What has been reported for this period cannot be put into one number.",
        ),
        (
            sentence("no_information", value=None, missing_reason="system_outage"),
            "No value has been reported for this period. The reason given is «system_outage».",
        ),
        (
            sentence("no_information", value=None, coverage=Coverage(0, 7)),
            "None of the 7 units expected to report has done so for this period.",
        ),
    ],
)
def test_it_says_why_the_status_is_what_it_is(said: str, expected: str) -> None:
    assert said == expected


@pytest.mark.parametrize(
    ("obs_status", "reason", "words"),
    [
        ("A", None, None),
        ("P", None, "provisional"),
        ("O", "not_reported", "not reported"),
        ("M", "not_expected", "not expected"),
        ("O", "system_outage", "missing («system_outage»)"),
        ("M", "no_such_service", "not applicable («no_such_service»)"),
    ],
)
def test_it_says_what_is_special_about_a_period(obs_status: str, reason: str | None, words: str | None) -> None:
    assert observed_as(obs_status, reason) == words
