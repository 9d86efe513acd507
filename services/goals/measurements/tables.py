"""Measurements, vintage by vintage, and the released scores that wait for the end of their day, as stored."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Index, Integer, Numeric, Text, UniqueConstraint
from sqlmodel import Field

from services.goals.measurements.domain import ObsStatus
from services.goals.schema import GoalsTable
from shared.periods.calendar import Frequency

_Instant: Any = DateTime(timezone=True)


class Measurement(GoalsTable, table=True):
    """One vintage of one period of a series. Rows are only ever added."""

    __table_args__ = (
        UniqueConstraint(
            "series_id", "frequency", "period_start", "vintage", name="measurement_series_period_vintage_key"
        ),
        UniqueConstraint("cause_id", "series_id", "frequency", "period_start", name="measurement_cause_key"),
    )

    id: UUID = Field(primary_key=True)
    series_id: UUID = Field(foreign_key="goals.series.id")
    frequency: Frequency = Field(sa_type=Text)
    period_start: date
    vintage: int = Field(sa_type=Integer)
    value: Decimal | None = Field(default=None, sa_type=Numeric)
    numerator: Decimal | None = Field(default=None, sa_type=Numeric)
    denominator: Decimal | None = Field(default=None, sa_type=Numeric)
    obs_status: ObsStatus = Field(sa_type=Text)
    missing_reason: str | None = Field(default=None, sa_type=Text)
    source: Literal["reported", "feedback"] = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=_Instant)
    recorded_by: str = Field(sa_type=Text)
    event_id: UUID
    """The event that told this vintage: its position says when the vintage became known."""
    cause_id: UUID | None = None
    """The released score it was made from; unique with series and period, so that a replay adds nothing."""


class ScoreIntake(GoalsTable, table=True):
    """How far the releases of one cell have been taken, and the one that waits for the end of its day.

    The row keeps the newest release taken and the day of the last provisional one, so that each day yields at most a
    first and a last vintage, whatever is replayed.
    """

    __tablename__ = "score_intake"
    __table_args__ = (
        Index("score_intake_pending_day_idx", "pending_day"),
        Index("score_intake_series_idx", "indicator_id", "unit_id", "frequency", "period_start"),
    )

    cell_id: UUID = Field(primary_key=True)
    indicator_id: UUID = Field(foreign_key="goals.indicator.id")
    unit_id: UUID = Field(foreign_key="goals.unit.id")
    frequency: Frequency = Field(sa_type=Text)
    period_start: date
    taken_release: int = Field(sa_type=Integer)
    taken_day: date | None = None
    closed: bool = Field(default=False, sa_type=Boolean)
    """The final release has been taken; a provisional one that comes late is no news."""
    taken_numerator: Decimal | None = Field(default=None, sa_type=Numeric)
    taken_denominator: Decimal | None = Field(default=None, sa_type=Numeric)
    """What the newest release taken said: cells of one unit, period and indicator are pooled."""
    pending_release: int | None = Field(default=None, sa_type=Integer)
    pending_day: date | None = None
    numerator: Decimal | None = Field(default=None, sa_type=Numeric)
    denominator: Decimal | None = Field(default=None, sa_type=Numeric)
    cause_id: UUID | None = None
    cause_depth: int | None = Field(default=None, sa_type=Integer)
