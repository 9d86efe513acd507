"""What people answered, and the work that each answer leaves behind."""

import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.feedback.schema import FeedbackTable


class Response(FeedbackTable, table=True):
    """One anonymous response: its answers and the day, and nothing else that could say whose it is.

    No foreign key to the version: it would make every answer of a survey lock one and the same row. Versions are
    never deleted, and an answer is only written after it was checked against its version.
    """

    __table_args__ = (
        CheckConstraint("get_byte(uuid_send(id), 6) >> 4 = 4", name="response_id_is_random"),
        CheckConstraint("jsonb_typeof(answers) = 'object'", name="response_answers"),
    )

    id: UUID = Field(primary_key=True)
    survey_id: UUID
    version: int = Field(sa_type=Integer)
    language: str = Field(sa_type=Text)
    answers: dict[str, str] = Field(sa_type=JSONB)
    day: datetime.date


class ScoringQueue(FeedbackTable, table=True):
    """A response that no score counts yet; private to feedback, in no order, and gone once it is counted."""

    __tablename__ = "scoring_queue"

    survey_id: UUID = Field(primary_key=True)
    response_id: UUID = Field(primary_key=True)
