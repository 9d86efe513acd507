"""What goals makes of the numbers, as stored: a result per series and its value in each period."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.goals.evaluation.domain.judging import Status
from services.goals.measurements.domain import ObsStatus
from services.goals.schema import GoalsTable
from shared.periods.calendar import Frequency

_JsonOrNull: Any = JSONB(none_as_null=True)


class EvaluatedReach(GoalsTable, table=True):
    """Between which periods anybody had something to report of an indicator when it was last evaluated.

    Whoever is assigned is expected in all of them. Locked by whoever evaluates the indicator, so that one evaluation
    sees the whole reach of the one before.
    """

    __tablename__ = "evaluated_reach"
    __table_args__ = (UniqueConstraint("indicator_id", "disaggregation", name="evaluated_reach_key"),)

    id: UUID = Field(primary_key=True)
    indicator_id: UUID = Field(foreign_key="goals.indicator.id")
    disaggregation: dict[str, str] = Field(sa_type=JSONB)
    first: date | None = None
    last: date | None = None


class Result(GoalsTable, table=True):
    """The aggregate of an evaluation: one indicator of one unit in one disaggregation, reported or pooled.

    `inputs_version` is the version of the unit's own series that was read: what changed it until then is applied.
    """

    __table_args__ = (
        UniqueConstraint("indicator_id", "unit_id", "disaggregation", name="result_key"),
        Index("result_unit_id_idx", "unit_id"),
    )

    id: UUID = Field(primary_key=True)
    indicator_id: UUID = Field(foreign_key="goals.indicator.id")
    unit_id: UUID = Field(foreign_key="goals.unit.id")
    disaggregation: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    series_id: UUID | None = None
    """Not a foreign key: checking it would lock series, which writers hold in an order of their own."""
    version: int = Field(sa_type=BigInteger)
    inputs_version: int = Field(sa_type=BigInteger)


class ResultValue(GoalsTable, table=True):
    """One period of a result, as it was last evaluated."""

    __tablename__ = "result_value"

    result_id: UUID = Field(primary_key=True, foreign_key="goals.result.id")
    frequency: Frequency = Field(sa_type=Text, primary_key=True)
    period_start: date = Field(primary_key=True)
    value: Decimal | None = Field(default=None, sa_type=Numeric)
    numerator: Decimal | None = Field(default=None, sa_type=Numeric)
    denominator: Decimal | None = Field(default=None, sa_type=Numeric)
    obs_status: ObsStatus = Field(sa_type=Text)
    missing_reason: str | None = Field(default=None, sa_type=Text)
    reported: int = Field(sa_type=Integer)
    expected: int = Field(sa_type=Integer)
    held_back: int = Field(sa_type=Integer)
    target: dict[str, Any] | None = Field(default=None, sa_type=_JsonOrNull)
    """The target in force at the period's end as the event says it; derived for the period where it says so."""
    target_inherited_from: UUID | None = None
    target_derived: bool = Field(sa_type=Boolean)
    progress: Decimal | None = Field(default=None, sa_type=Numeric)
    status: Status = Field(sa_type=Text)
    status_rule: str = Field(sa_type=Text)
