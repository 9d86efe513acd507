"""Indicators and who is expected to report them, as stored."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.goals.indicators.domain import Aggregation, Direction, DisclosureClass, ReportedFrequency
from services.goals.schema import GoalsTable


class Indicator(GoalsTable, table=True):
    """What is measured; a ratio has the three `ratio_` columns, a plain number none of them."""

    __table_args__ = (UniqueConstraint("code", name="indicator_code_key"),)

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    definition: dict[str, str] = Field(sa_type=JSONB)
    notice: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    direction: Direction = Field(sa_type=Text)
    unit_of_measure: dict[str, str] = Field(sa_type=JSONB)
    decimals: int = Field(sa_type=Integer)
    ratio_numerator: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    ratio_denominator: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    ratio_factor: Decimal | None = Field(default=None, sa_type=Numeric)
    aggregation_over_time: Aggregation = Field(sa_type=Text)
    aggregation_over_units: Aggregation = Field(sa_type=Text)
    disclosure_class: DisclosureClass = Field(sa_type=Text)
    calendar_id: UUID = Field(foreign_key="goals.calendar.id")
    frequency: ReportedFrequency = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)


class Assignment(GoalsTable, table=True):
    """A unit that is expected to report an indicator, from one day to another (the last day, inclusive)."""

    __table_args__ = (
        UniqueConstraint("indicator_id", "unit_id", "valid_from", name="assignment_indicator_unit_valid_from_key"),
        Index("assignment_unit_id_idx", "unit_id"),
    )

    id: UUID = Field(primary_key=True)
    indicator_id: UUID = Field(foreign_key="goals.indicator.id")
    unit_id: UUID = Field(foreign_key="goals.unit.id")
    valid_from: date
    valid_to: date | None = None
    version: int = Field(sa_type=BigInteger)
