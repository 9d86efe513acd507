"""Who may do what in feedback; answering a survey needs no permission at all."""

from typing import Annotated

from shared.http.auth import Caller, RolePermissions, requires

SurveyReader = Annotated[Caller, requires("surveys:read")]
SurveyWriter = Annotated[Caller, requires("surveys:write")]
SurveyPublisher = Annotated[Caller, requires("surveys:publish")]

_MAKES_SURVEYS = frozenset({"surveys:read", "surveys:write", "surveys:publish"})

ROLES: RolePermissions = {
    "administrator": _MAKES_SURVEYS | {"status:read"},
    "performance_officer": _MAKES_SURVEYS | {"status:read"},
    "publisher": _MAKES_SURVEYS,
    "goal_leader": frozenset({"surveys:read"}),
    "analyst": frozenset({"surveys:read"}),
    "auditor": frozenset({"surveys:read", "status:read"}),
    "follower": frozenset({"events:follow"}),
}
