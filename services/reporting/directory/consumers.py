"""What the directory learns from goals and feedback."""

from services.reporting.directory.operations import (
    keep_assignments,
    keep_bodies,
    keep_calendars,
    keep_indicators,
    keep_principals,
    keep_role_assignments,
    keep_surveys,
    keep_units,
)
from shared.contracts import (
    AssignmentChanged,
    BodyChanged,
    CalendarChanged,
    IndicatorChanged,
    PrincipalChanged,
    RoleAssignmentChanged,
    SurveyChanged,
    UnitChanged,
)
from shared.messaging.handlers import Handlers, by_version

HANDLERS: Handlers = {
    BodyChanged: by_version(keep_bodies),
    UnitChanged: by_version(keep_units),
    CalendarChanged: by_version(keep_calendars),
    IndicatorChanged: by_version(keep_indicators),
    AssignmentChanged: by_version(keep_assignments),
    PrincipalChanged: by_version(keep_principals),
    RoleAssignmentChanged: by_version(keep_role_assignments),
    SurveyChanged: by_version(keep_surveys),
}
