"""What can go wrong with principals and the roles they are given."""

from shared.errors import Conflict, Forbidden, NotFound, RuleBroken


class UnknownPrincipal(NotFound):
    """There is no such principal, or none with a role among the caller's units."""

    code = "unknown_principal"
    title = "No such principal"


class PrincipalKnown(Conflict):
    """The issuer's subject is a principal already; the problem says its id."""

    code = "principal_known"
    title = "The principal is known already"


class UnknownRoleAssignment(NotFound):
    """There is no such role assignment, or its unit lies outside the caller's units."""

    code = "unknown_role_assignment"
    title = "No such role assignment"


class AlreadyHeld(Conflict):
    """The principal holds this role for this unit on some of these days already."""

    code = "role_already_held"
    title = "The role is held already"


class OwnRole(Forbidden):
    """Nobody gives a role to themselves, or blocks themselves: another administrator does."""

    code = "not_for_yourself"
    title = "Not for yourself"


class OnlyForSystems(RuleBroken):
    """Following the event feed is for programmes: its numbers are not suppressed."""

    code = "only_for_systems"
    title = "Only a system may hold this role"


class LastAdministrator(Conflict):
    """Somebody must stay who can give roles for the whole body: appoint another administrator first."""

    code = "last_administrator"
    title = "The last administrator of the whole body"
