"""What the answers add up to, and how much of it was let out."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, ForeignKey, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.feedback.schema import FeedbackTable
from services.feedback.scores.domain import CellKey, Known, Release, Tally
from shared.periods.calendar import Period

_Instant: Any = DateTime(timezone=True)


class Fold(FeedbackTable, table=True):
    """One row a survey; who holds its lock is the survey's only folder."""

    survey_id: UUID = Field(primary_key=True, sa_column_args=[ForeignKey("feedback.survey.id")])


class ScoreCell(FeedbackTable, table=True):
    """The answers to one question about one unit in one period, added up; its id is random, as it leaves the house.

    `count` is of every answer, `scored` of those inside the denominator. The `released_…` columns repeat what the
    last release said: what has been added since stays inside until it is at least a step.
    """

    __tablename__ = "score_cell"
    __table_args__ = (
        UniqueConstraint("survey_id", "question_id", "unit_id", "frequency", "period_start", name="score_cell_key"),
        CheckConstraint("frequency = 'month'", name="score_cell_frequency"),
        CheckConstraint("scored between 0 and count", name="score_cell_scored"),
        CheckConstraint("released_count between 0 and count", name="score_cell_released"),
        CheckConstraint("(release = 0) = (released_at is null)", name="score_cell_release"),
        CheckConstraint("late >= 0", name="score_cell_late"),
    )

    id: UUID = Field(primary_key=True)
    survey_id: UUID = Field(sa_column_args=[ForeignKey("feedback.survey.id")])
    question_id: str = Field(sa_type=Text)
    unit_id: UUID
    frequency: str = Field(default="month", sa_type=Text)
    period_start: date
    indicator_id: UUID | None = None
    options: dict[str, int] = Field(default_factory=dict, sa_type=JSONB)
    count: int = Field(default=0, sa_type=BigInteger)
    scored: int = Field(default=0, sa_type=BigInteger)
    total: Decimal = Field(default=Decimal(0), sa_type=Numeric)
    squares: Decimal = Field(default=Decimal(0), sa_type=Numeric)
    late: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    final: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": text("false")})
    release: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    released_at: datetime | None = Field(default=None, sa_type=_Instant)
    released_count: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    released_scored: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    released_total: Decimal = Field(default=Decimal(0), sa_type=Numeric, sa_column_kwargs={"server_default": text("0")})

    @property
    def key(self) -> CellKey:
        """What the cell is of."""
        return CellKey(self.question_id, self.unit_id, Period(self.period_start, "month"))

    @property
    def tally(self) -> Tally:
        """What the cell holds."""
        return Tally(self.indicator_id, self.count, self.scored, self.total, self.squares, dict(self.options))

    @property
    def known(self) -> Known:
        """What the last release said."""
        return Known(self.release, self.released_at, self.released_count, self.released_scored, self.released_total)

    def hold(self, tally: Tally) -> None:
        """Take over a sum."""
        self.count, self.scored = tally.count, tally.scored
        self.total, self.squares, self.options = tally.total, tally.squares, tally.options

    def remember(self, release: Release, at: datetime) -> None:
        """Take over what a release said."""
        self.release, self.released_at = release.number, at
        self.released_count, self.released_scored = release.count, release.scored
        self.released_total = release.total
