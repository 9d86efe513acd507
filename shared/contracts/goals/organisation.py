"""The body, its units and its calendars."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.event import Event
from shared.texts import Text


class BodyChanged(Event):
    """The body of this deployment: its default language and the zone that decides the day of an instant."""

    type: ClassVar[str] = "steward.goals.body.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"

    body_id: UUID
    slug: str
    name: Text
    default_language: str
    time_zone: str
    root_unit_id: UUID


class UnitChanged(Event):
    """An organisation unit and its place in the tree."""

    type: ClassVar[str] = "steward.goals.unit.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"

    unit_id: UUID
    code: str
    name: Text
    parent_id: UUID | None
    level: str
    valid_from: date
    valid_to: date | None


class CalendarChanged(Event):
    """A fiscal calendar."""

    type: ClassVar[str] = "steward.goals.calendar.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"

    calendar_id: UUID
    code: str
    name: Text
    start_month: int
    label_rule: Literal["start_year", "end_year", "both_years"]
    time_zone: str
