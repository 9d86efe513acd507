"""The roles that can be given, and what a role for a unit is."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

Role = Literal[
    "administrator",
    "analyst",
    "auditor",
    "caseworker",
    "data_provider",
    "employee",
    "follower",
    "goal_leader",
    "indicator_steward",
    "line_manager",
    "performance_officer",
    "publisher",
    "reviewer",
    "staff_representative",
]
"""Every role that an assignment can give; the public and respondents need none. What it opens, each service says."""

ADMINISTRATOR: Role = "administrator"
FOR_SYSTEMS: frozenset[Role] = frozenset({"follower"})
"""Roles of programmes, not of people."""

PrincipalKind = Literal["person", "system"]
PrincipalState = Literal["active", "blocked"]


@dataclass(frozen=True, slots=True)
class NewRole:
    """A role to be given for a unit and those below it; from today on, and without end, if no days are named."""

    principal_id: UUID
    role: Role
    unit: str
    valid_from: date | None = None
    valid_to: date | None = None
