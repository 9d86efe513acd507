"""The body and its units, as stored."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.goals.schema import GoalsTable


class Body(GoalsTable, table=True):
    """The one body of this deployment; its row is also the lock of the unit tree."""

    __table_args__ = (UniqueConstraint("only", name="body_only_key"),)

    id: UUID = Field(primary_key=True)
    only: bool = Field(default=True, sa_type=Boolean)
    """Always true, and unique: there is one body."""
    slug: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    default_language: str = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    root_unit_id: UUID = Field(foreign_key="goals.unit.id")
    version: int = Field(sa_type=BigInteger)


class Unit(GoalsTable, table=True):
    """An organisation unit at its place in the tree, from one day to another (the last day, inclusive)."""

    __table_args__ = (UniqueConstraint("code", name="unit_code_key"), Index("unit_parent_id_idx", "parent_id"))

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    parent_id: UUID | None = Field(default=None, foreign_key="goals.unit.id")
    level: str = Field(sa_type=Text)
    valid_from: date
    valid_to: date | None = None
    version: int = Field(sa_type=BigInteger)
