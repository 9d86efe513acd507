"""Fiscal calendars, as stored."""

from uuid import UUID

from sqlalchemy import BigInteger, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.goals.schema import GoalsTable
from shared.periods.calendar import FiscalCalendar, LabelRule


class Calendar(GoalsTable, table=True):
    """How a body, or a part of it, counts its year. It never changes, since periods are understood with it."""

    __table_args__ = (UniqueConstraint("code", name="calendar_code_key"),)

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: dict[str, str] = Field(sa_type=JSONB)
    start_month: int = Field(sa_type=Integer)
    label_rule: LabelRule = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)

    def fiscal(self) -> FiscalCalendar:
        """The calendar that computes with periods."""
        return FiscalCalendar(self.start_month, self.label_rule, self.time_zone)
