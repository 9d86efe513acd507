"""Series, the aggregate of targets and measurements, and the versions of targets, as stored."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Index, Integer, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.goals.schema import GoalsTable
from services.goals.targets.domain import TargetType
from shared.periods.calendar import Frequency

_Instant: Any = DateTime(timezone=True)
_JsonOrNull: Any = JSONB(none_as_null=True)


class Series(GoalsTable, table=True):
    """One indicator of one unit in one disaggregation ({} is the headline).

    This row is what targets and measurements lock, and its version numbers their events: units never wait for each
    other, as they would behind one indicator.
    """

    __table_args__ = (
        UniqueConstraint("indicator_id", "unit_id", "disaggregation", name="series_key"),
        Index("series_unit_id_idx", "unit_id"),
    )

    id: UUID = Field(primary_key=True)
    indicator_id: UUID = Field(foreign_key="goals.indicator.id")
    unit_id: UUID = Field(foreign_key="goals.unit.id")
    disaggregation: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    version: int = Field(sa_type=BigInteger)


class Target(GoalsTable, table=True):
    """A version of the target of a series: what is asked for, since when, until when, and why. It never changes."""

    __table_args__ = (UniqueConstraint("series_id", "version", name="target_series_version_key"),)

    id: UUID = Field(primary_key=True)
    series_id: UUID = Field(foreign_key="goals.series.id")
    version: int = Field(sa_type=Integer)
    type: TargetType = Field(sa_type=Text)
    value: Decimal | None = Field(default=None, sa_type=Numeric)
    low: Decimal | None = Field(default=None, sa_type=Numeric)
    high: Decimal | None = Field(default=None, sa_type=Numeric)
    baseline: Decimal | None = Field(default=None, sa_type=Numeric)
    baseline_frequency: Frequency | None = Field(default=None, sa_type=Text)
    baseline_start: date | None = None
    milestone: dict[str, str] | None = Field(default=None, sa_type=_JsonOrNull)
    valid_from: date
    valid_to: date | None = None
    applies_below: bool = Field(default=False, sa_type=Boolean)
    reason: str = Field(sa_type=Text)
    set_at: datetime = Field(sa_type=_Instant)
    set_by: str = Field(sa_type=Text)
