"""What the directory learns from goals and feedback."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from services.reporting.directory.operations import (
    Versioned,
    keep_assignments,
    keep_bodies,
    keep_calendars,
    keep_indicators,
    keep_surveys,
    keep_units,
)
from shared.contracts import (
    AssignmentChanged,
    BodyChanged,
    CalendarChanged,
    Event,
    IndicatorChanged,
    SurveyChanged,
    UnitChanged,
)
from shared.database import AsyncSession
from shared.messaging.handlers import Handler, Handlers, Received

E = TypeVar("E", bound=Event)


def _by_version(keep: Callable[[AsyncSession, Versioned[E]], Awaitable[None]]) -> Handler:
    async def on_states(session: AsyncSession, events: Sequence[Received[Any]]) -> None:
        await keep(session, [(event.subject_version, event.data) for event in events])

    return on_states


HANDLERS: Handlers = {
    BodyChanged: _by_version(keep_bodies),
    UnitChanged: _by_version(keep_units),
    CalendarChanged: _by_version(keep_calendars),
    IndicatorChanged: _by_version(keep_indicators),
    AssignmentChanged: _by_version(keep_assignments),
    SurveyChanged: _by_version(keep_surveys),
}
