"""Feedback's own copies of what goals says about the body, its units and its indicators."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.feedback.schema import FeedbackTable


class Body(FeedbackTable, table=True):
    """The body of this deployment; its zone decides on which day an answer is received."""

    id: UUID = Field(primary_key=True)
    slug: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    default_language: str = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    root_unit_id: UUID
    version: int = Field(sa_type=BigInteger)


class Unit(FeedbackTable, table=True):
    """An organisation unit; its parent may arrive later than it does, so nothing refers to it by key."""

    __table_args__ = (
        UniqueConstraint("code", name="unit_code_key", deferrable=True, initially="DEFERRED"),
        Index("unit_parent_id_idx", "parent_id"),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    parent_id: UUID | None = None
    level: str = Field(sa_type=Text)
    valid_from: date
    valid_to: date | None = None
    version: int = Field(sa_type=BigInteger)


class Indicator(FeedbackTable, table=True):
    """An indicator that a question may feed."""

    __table_args__ = (
        UniqueConstraint("code", name="indicator_code_key", deferrable=True, initially="DEFERRED"),
        CheckConstraint("disclosure_class in ('open', 'internal', 'confidential')", name="indicator_disclosure_class"),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    disclosure_class: str = Field(sa_type=Text)
    frequency: str = Field(sa_type=Text)
    decimals: int = Field(sa_type=Integer)
    is_ratio: bool | None = Field(default=None, sa_type=Boolean)
    """None where the copy is older than the column: then goals has the last word."""
    version: int = Field(sa_type=BigInteger)

    @property
    def takes_scores(self) -> bool:
        """Whether it can be fed: a score is a sum over a count, of a month."""
        return self.frequency == "month" and self.is_ratio is not False


class Principal(FeedbackTable, table=True):
    """Somebody or something that goals has blocked, or unblocked; whoever is not here is active."""

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)


class RoleAssignment(FeedbackTable, table=True):
    """A role that a principal was given for a unit and those below it, until the last day inclusive."""

    __tablename__ = "role_assignment"
    __table_args__ = (Index("role_assignment_principal_id", "principal_id"),)

    id: UUID = Field(primary_key=True)
    principal_id: UUID
    role: str = Field(sa_type=Text)
    unit_id: UUID
    valid_from: date
    valid_to: date | None = None
    withdrawn: bool = Field(sa_type=Boolean)
    version: int = Field(sa_type=BigInteger)
