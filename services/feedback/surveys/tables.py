"""Surveys and their versions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.feedback.schema import FeedbackTable

_Instant: Any = DateTime(timezone=True)


class Survey(FeedbackTable, table=True):
    """A survey: what stays the same while its versions change. Its row is locked while any of them does."""

    __table_args__ = (
        UniqueConstraint("code", name="survey_code_key"),
        CheckConstraint("code ~ '^[A-Za-z0-9._-]{1,64}$'", name="survey_code"),
        CheckConstraint("state in ('draft', 'open', 'closed')", name="survey_state"),
        CheckConstraint("threshold between 10 and 1000000", name="survey_threshold"),
        CheckConstraint("state = 'draft' or published_version is not null", name="survey_open_means_published"),
        Index("survey_unit_id_idx", "unit_id"),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    title: dict[str, str] = Field(sa_type=JSONB)
    notice: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    state: str = Field(default="draft", sa_type=Text)
    threshold: int = Field(default=10, sa_type=Integer)
    unit_id: UUID
    """Who owns the survey; a version may be about another unit."""
    published_version: int | None = Field(default=None, sa_type=Integer)
    version: int = Field(default=0, sa_type=BigInteger)


class SurveyVersion(FeedbackTable, table=True):
    """The questions as they were put to people; once published, a trigger refuses every change."""

    __tablename__ = "survey_version"
    __table_args__ = (
        CheckConstraint("number >= 1", name="survey_version_number"),
        CheckConstraint("jsonb_typeof(questions) = 'array'", name="survey_version_questions"),
        CheckConstraint("jsonb_typeof(languages) = 'array'", name="survey_version_languages"),
    )

    survey_id: UUID = Field(primary_key=True, sa_column_args=[ForeignKey("feedback.survey.id")])
    number: int = Field(primary_key=True, sa_type=Integer)
    unit_id: UUID
    introduction: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    languages: list[str] = Field(sa_type=JSONB)
    questions: list[dict[str, Any]] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_type=_Instant, sa_column_kwargs={"server_default": text("now()")})
    published_at: datetime | None = Field(default=None, sa_type=_Instant)
