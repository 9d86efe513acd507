"""Every event type there is, by name."""

from collections.abc import Iterator

from shared.contracts.event import Event
from shared.contracts.feedback.surveys import ScoreReleased, SurveyChanged
from shared.contracts.goals.indicators import AssignmentChanged, IndicatorChanged
from shared.contracts.goals.measurements import EvaluationMade, MeasurementRecorded, TargetSet
from shared.contracts.goals.organisation import BodyChanged, CalendarChanged, UnitChanged
from shared.contracts.goals.people import PrincipalChanged, RoleAssignmentChanged
from shared.contracts.logs import ERASED, RENEWED

_ALL: tuple[type[Event], ...] = (
    BodyChanged,
    UnitChanged,
    CalendarChanged,
    PrincipalChanged,
    RoleAssignmentChanged,
    IndicatorChanged,
    AssignmentChanged,
    MeasurementRecorded,
    TargetSet,
    EvaluationMade,
    SurveyChanged,
    ScoreReleased,
    *ERASED,
    *RENEWED,
)
_EVENTS = {event.type: event for event in _ALL}


def all_events() -> Iterator[type[Event]]:
    """Every contract, in the order of declaration."""
    return iter(_EVENTS.values())


def find(event_type: str) -> type[Event] | None:
    """The contract of a type, or None for a type that this release does not know."""
    return _EVENTS.get(event_type)
