"""Where we differ from a reference package on purpose: in which cases, in which of their numbers, and why."""

from collections.abc import Set
from typing import Any

CONSTANT = (
    "A constant series has no moving range, so NHSRplotthedots gives it no limits and calls a target that was never "
    "met «inconsistent». A process that has not moved can be relied on: its limits lie on its centre line, no point "
    "is a special cause, and it is sure to meet its target or sure to miss it."
)
WITHOUT_LIMITS = {"lpl", "upl", "outside_limits", "close_to_limits", "assurance", "assurance_icon"}


def reason(file: str, case: dict[str, Any], different: Set[str]) -> str | None:
    """Why a case may differ in these of its numbers, or None where it may not.

    Of the committed cases this is `constant_series_target_above`; other constant series differ in the same way.
    """
    if file == "plotthedots.json" and len(set(case["input"]["value"])) == 1 and different <= WITHOUT_LIMITS:
        return CONSTANT
    return None
