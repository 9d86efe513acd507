"""What the directory learns from goals."""

from services.feedback.directory.operations import (
    keep_bodies,
    keep_indicators,
    keep_principals,
    keep_role_assignments,
    keep_units,
)
from shared.contracts import BodyChanged, IndicatorChanged, PrincipalChanged, RoleAssignmentChanged, UnitChanged
from shared.messaging.handlers import Handlers, by_version

HANDLERS: Handlers = {
    BodyChanged: by_version(keep_bodies),
    UnitChanged: by_version(keep_units),
    IndicatorChanged: by_version(keep_indicators),
    PrincipalChanged: by_version(keep_principals),
    RoleAssignmentChanged: by_version(keep_role_assignments),
}
