"""Copies of what the other services own: the body, its units, calendars, indicators, assignments and surveys.

Nothing here refers to anything else by a foreign key: the logs they come from are not ordered among each other.
Principals and their roles stand beside our own facts, not with the read models: while those are dropped and made anew,
a block must hold.
"""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.reporting.directory.domain import Direction, DisclosureClass, SurveyState
from services.reporting.schema import ReadTable, ReportingTable
from shared.periods.calendar import Frequency, LabelRule

_Json: Any = JSONB(none_as_null=True)


class Body(ReadTable, table=True):
    """The body of this deployment."""

    __tablename__: ClassVar[str] = "body"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel's directive

    id: UUID = Field(primary_key=True)
    slug: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=_Json)
    default_language: str = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    root_unit_id: UUID
    version: int = Field(sa_type=BigInteger)


class Unit(ReadTable, table=True):
    """An organisation unit and its place in the tree."""

    __tablename__: ClassVar[str] = "unit"  # type: ignore[assignment, misc, unused-ignore]  # as above
    __table_args__ = (Index("unit_code", "code"), Index("unit_parent_id", "parent_id"), Index("unit_level", "level"))

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=_Json)
    parent_id: UUID | None
    level: str = Field(sa_type=Text)
    valid_from: date
    valid_to: date | None
    search: str = Field(sa_type=Text)
    """Code and names as `searchable` writes them."""
    sorting: dict[str, str] = Field(sa_type=_Json)
    """Each name as it is sorted: Ångström stands among the As."""
    version: int = Field(sa_type=BigInteger)


class Calendar(ReadTable, table=True):
    """A fiscal calendar."""

    __tablename__: ClassVar[str] = "calendar"  # type: ignore[assignment, misc, unused-ignore]  # as above

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=_Json)
    start_month: int = Field(sa_type=Integer)
    label_rule: LabelRule = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)


class Indicator(ReadTable, table=True):
    """What is measured."""

    __tablename__: ClassVar[str] = "indicator"  # type: ignore[assignment, misc, unused-ignore]  # as above
    __table_args__ = (Index("indicator_code", "code"),)

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=_Json)
    definition: dict[str, str] = Field(sa_type=_Json)
    notice: dict[str, str] | None = Field(sa_type=_Json)
    direction: Direction = Field(sa_type=Text)
    unit_of_measure: dict[str, str] = Field(sa_type=_Json)
    decimals: int = Field(sa_type=Integer)
    ratio_numerator: dict[str, str] | None = Field(sa_type=_Json)
    ratio_denominator: dict[str, str] | None = Field(sa_type=_Json)
    ratio_factor: Decimal | None = Field(sa_type=Numeric)
    aggregation_over_time: str = Field(sa_type=Text)
    aggregation_over_units: str = Field(sa_type=Text)
    disclosure_class: DisclosureClass = Field(sa_type=Text)
    calendar_id: UUID
    frequency: Frequency = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)


class Assignment(ReadTable, table=True):
    """A unit that is expected to report an indicator, until the last day inclusive."""

    __tablename__: ClassVar[str] = "assignment"  # type: ignore[assignment, misc, unused-ignore]  # as above
    __table_args__ = (Index("assignment_unit_id_indicator_id", "unit_id", "indicator_id"),)

    id: UUID = Field(primary_key=True)
    indicator_id: UUID
    unit_id: UUID
    valid_from: date
    valid_to: date | None
    version: int = Field(sa_type=BigInteger)


class Survey(ReadTable, table=True):
    """A survey and the indicators that its questions feed."""

    __tablename__: ClassVar[str] = "survey"  # type: ignore[assignment, misc, unused-ignore]  # as above

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    title: dict[str, str] = Field(sa_type=_Json)
    notice: dict[str, str] | None = Field(sa_type=_Json)
    state: SurveyState = Field(sa_type=Text)
    indicator_ids: list[str] = Field(sa_type=_Json)
    version: int = Field(sa_type=BigInteger)


class Principal(ReportingTable, table=True):
    """Somebody or something that goals has blocked, or unblocked; whoever is not here is active."""

    __tablename__: ClassVar[str] = "principal"  # type: ignore[assignment, misc, unused-ignore]  # as above

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)


class RoleAssignment(ReportingTable, table=True):
    """A role that a principal was given for a unit and those below it, until the last day inclusive."""

    __tablename__: ClassVar[str] = "role_assignment"  # type: ignore[assignment, misc, unused-ignore]  # as above
    __table_args__ = (Index("role_assignment_principal_id", "principal_id"),)

    id: UUID = Field(primary_key=True)
    principal_id: UUID
    role: str = Field(sa_type=Text)
    unit_id: UUID
    valid_from: date
    valid_to: date | None = None
    withdrawn: bool = Field(sa_type=Boolean)
    version: int = Field(sa_type=BigInteger)


class DirectoryEdition(ReadTable, table=True):
    """Another random edition after each statement that may have changed a copy: what was made from one still holds."""

    __tablename__: ClassVar[str] = "directory_edition"  # type: ignore[assignment, misc, unused-ignore]  # as above

    single: bool = Field(primary_key=True, default=True)
    edition: UUID
