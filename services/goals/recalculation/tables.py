"""What has to be computed again."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.goals.schema import GoalsTable

_Instant: Any = DateTime(timezone=True)


class Dirty(GoalsTable, table=True):
    """One touch of an input; a null stands for "all of them".

    There is no unique key on purpose: with one, the mark of a transaction that is still open would swallow the next,
    and a result would stay wrong for good.
    """

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=[Identity(always=True)], primary_key=True)
    indicator_id: UUID | None = None
    unit_id: UUID | None = None
    disaggregation: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    frequency: str | None = Field(default=None, sa_type=Text)
    period_start: date | None = None
    cause_event_id: UUID | None = None
    cause_depth: int = Field(default=0, sa_type=Integer)
    failures: int = Field(default=0, sa_type=Integer)
    """How often in a row the evaluation that this row asks for has failed."""
    not_before: datetime | None = Field(default=None, sa_type=_Instant)
    """When it is tried again."""
