"""What goals made of the numbers: one result per indicator, unit and disaggregation, and its value in each period."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.reporting.facts.domain import ObsStatus, Source, Status
from services.reporting.schema import ReadTable
from shared.periods.calendar import Frequency

_Json: Any = JSONB(none_as_null=True)
_Instant: Any = DateTime(timezone=True)


class Result(ReadTable, table=True):
    """The result row of goals, at its newest version."""

    __tablename__: ClassVar[str] = "result"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel's directive
    __table_args__ = (
        Index("result_unit_id_indicator_id", "unit_id", "indicator_id"),
        Index("result_indicator_id", "indicator_id"),
        Index("result_series_id", "series_id"),
    )

    result_id: UUID = Field(primary_key=True)
    series_id: UUID | None
    """The series that was read; None where the result is only pooled from below."""
    indicator_id: UUID
    unit_id: UUID
    disaggregation: dict[str, str] = Field(sa_type=_Json)
    inputs_version: int = Field(sa_type=BigInteger)
    """The version of the series that was read."""
    evaluated_at: datetime = Field(sa_type=_Instant)
    rule_set: dict[str, Any] = Field(sa_type=_Json)
    version: int = Field(sa_type=BigInteger)


class ResultValue(ReadTable, table=True):
    """One period of a result; `version` is that of the evaluation that said it."""

    __tablename__: ClassVar[str] = "result_value"  # type: ignore[assignment, misc, unused-ignore]  # as above
    __table_args__ = (
        Index(
            "result_value_latest",
            "indicator_id",
            "frequency",
            "period_start",
            postgresql_where=text("value is not null"),
        ),
    )

    result_id: UUID = Field(primary_key=True)
    frequency: Frequency = Field(sa_type=Text, primary_key=True)
    period_start: date = Field(primary_key=True)
    indicator_id: UUID
    """Repeated from the result, for the index of the latest period with information."""
    value: Decimal | None = Field(sa_type=Numeric)
    numerator: Decimal | None = Field(sa_type=Numeric)
    denominator: Decimal | None = Field(sa_type=Numeric)
    obs_status: ObsStatus = Field(sa_type=Text)
    missing_reason: str | None = Field(sa_type=Text)
    reported: int = Field(sa_type=Integer)
    expected: int = Field(sa_type=Integer)
    held_back: int = Field(sa_type=Integer)
    target: dict[str, Any] | None = Field(sa_type=_Json)
    """The target as the event wrote it, decimals as text."""
    target_inherited_from: UUID | None
    target_derived: bool
    progress: Decimal | None = Field(sa_type=Numeric)
    status: Status = Field(sa_type=Text)
    status_rule: str = Field(sa_type=Text)
    version: int = Field(sa_type=BigInteger)


class RecordedVintage(ReadTable, table=True):
    """A vintage of a period of a series, and whether people reported it or feedback scored it."""

    __tablename__: ClassVar[str] = "recorded_vintage"  # type: ignore[assignment, misc, unused-ignore]  # as above

    series_id: UUID = Field(primary_key=True)
    frequency: Frequency = Field(sa_type=Text, primary_key=True)
    period_start: date = Field(primary_key=True)
    vintage: int = Field(sa_type=Integer, primary_key=True)
    source: Source = Field(sa_type=Text)
