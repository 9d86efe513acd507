"""The shape of the organisation, as pure values."""

from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from services.goals.organisation.errors import EndsBeforeItBegins
from shared.errors import FieldError

SINCE_EVER = date(1900, 1, 1)
"""The first day of a root unit: before anything that is measured."""


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit to be added below another; without a first day it begins with its parent."""

    code: str
    name: dict[str, str]
    parent: str
    level: str
    valid_from: date | None = None
    valid_to: date | None = None


class UnitChange(TypedDict, total=False):
    """What a unit shall become: the fields that are there change."""

    name: dict[str, str | None]
    parent: str
    level: str
    valid_from: date
    valid_to: date | None


def check_span(valid_from: date, valid_to: date | None) -> None:
    """Refuse an end before the beginning; the last day counts."""
    if valid_to is not None and valid_to < valid_from:
        accepted = f"{valid_from.isoformat()} or later"
        raise EndsBeforeItBegins(
            "The last day lies before the first.", [FieldError("/valid_to", accepted, valid_to.isoformat())]
        )
