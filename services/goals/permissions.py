"""What each role may do in goals, and the permissions as routes ask for them."""

from typing import Annotated

from shared.http.auth import Caller, RolePermissions, requires
from shared.http.sign_in.visitors import page_requires

_READS = frozenset({"units:read", "calendars:read", "indicators:read", "targets:read", "measurements:read"})

ROLES: RolePermissions = {
    "administrator": _READS
    | {"status:read"}
    | {"units:write", "calendars:write", "indicators:write", "assignments:write", "targets:set", "measurements:record"}
    | {"principals:read", "principals:block", "roles:assign"},
    "performance_officer": _READS
    | {"status:read"}
    | {"units:write", "indicators:write", "assignments:write", "targets:set", "measurements:record"},
    "goal_leader": _READS | {"targets:set"},
    "data_provider": _READS | {"measurements:record"},
    "analyst": _READS,
    "auditor": _READS | {"status:read", "principals:read"},
    "follower": frozenset({"events:follow"}),
}
"""Each holds for the unit that the role was given for, and those below it."""

PrincipalReader = Annotated[Caller, requires("principals:read")]
PrincipalBlocker = Annotated[Caller, requires("principals:block")]
RoleAssigner = Annotated[Caller, requires("roles:assign")]
UnitReader = Annotated[Caller, requires("units:read")]
UnitWriter = Annotated[Caller, requires("units:write")]
CalendarReader = Annotated[Caller, requires("calendars:read")]
CalendarWriter = Annotated[Caller, requires("calendars:write")]
IndicatorReader = Annotated[Caller, requires("indicators:read")]
IndicatorWriter = Annotated[Caller, requires("indicators:write")]
AssignmentWriter = Annotated[Caller, requires("assignments:write")]
TargetReader = Annotated[Caller, requires("targets:read")]
TargetSetter = Annotated[Caller, requires("targets:set")]
MeasurementReader = Annotated[Caller, requires("measurements:read")]
MeasurementRecorder = Annotated[Caller, requires("measurements:record")]
PageRecorder = Annotated[Caller, page_requires("measurements:record")]
"""The same of whoever is signed in with a browser."""
