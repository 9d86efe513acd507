"""Principals and the roles they were given, as stored."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Index, Text, UniqueConstraint
from sqlmodel import Field

from services.goals.people.domain import PrincipalKind, PrincipalState, Role
from services.goals.schema import GoalsTable

_Instant: Any = DateTime(timezone=True)


class Principal(GoalsTable, table=True):
    """Somebody or something that signs in; who that is at its issuer is kept here and told to nobody."""

    __table_args__ = (UniqueConstraint("issuer", "subject", name="principal_issuer_subject_key"),)

    id: UUID = Field(primary_key=True)
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    kind: PrincipalKind = Field(sa_type=Text)
    state: PrincipalState = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=_Instant)
    version: int = Field(sa_type=BigInteger)


class RoleAssignment(GoalsTable, table=True):
    """A role for a unit and those below it, from one day to another (the last day, inclusive), unless withdrawn."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        Index("role_assignment_principal_id_idx", "principal_id"),
        Index("role_assignment_unit_id_idx", "unit_id"),
    )

    id: UUID = Field(primary_key=True)
    principal_id: UUID = Field(foreign_key="goals.principal.id")
    role: Role = Field(sa_type=Text)
    unit_id: UUID = Field(foreign_key="goals.unit.id")
    valid_from: date
    valid_to: date | None = None
    withdrawn: bool = Field(default=False, sa_type=Boolean)
    granted_by: UUID | None = None
    """The principal that gave it; None where it came from the command line."""
    version: int = Field(sa_type=BigInteger)
