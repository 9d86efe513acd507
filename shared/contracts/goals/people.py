"""Who may do what: principals and their roles, by ids that name nobody."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.event import Event


class PrincipalChanged(Event):
    """A principal that was blocked, or unblocked; one that nobody has told of is active."""

    type: ClassVar[str] = "steward.goals.principal.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"
    erasable: ClassVar[bool] = False

    principal_id: UUID
    principal_kind: Literal["person", "system"]
    state: Literal["active", "blocked"]


class RoleAssignmentChanged(Event):
    """A role that a principal was given for a unit and those below it, until the last day inclusive."""

    type: ClassVar[str] = "steward.goals.role-assignment.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"
    erasable: ClassVar[bool] = False

    role_assignment_id: UUID
    principal_id: UUID
    role: str
    unit_id: UUID
    valid_from: date
    valid_to: date | None
    withdrawn: bool
