"""Surveys as they stand, and the scores that feedback lets out; never an answer, never that somebody answered."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.event import Event, Part
from shared.contracts.goals.measurements import PeriodKey
from shared.numbers import DecimalText
from shared.texts import Text


class ScoredQuestion(Part):
    """A question whose score feeds an indicator."""

    question_id: str
    text: Text
    indicator_id: UUID


class SurveyChanged(Event):
    """A survey as it stands: its state, its newest published version, and which indicators it feeds."""

    type: ClassVar[str] = "steward.feedback.survey.changed.v1"
    kind: ClassVar[Literal["state", "fact"]] = "state"

    survey_id: UUID
    code: str
    title: Text
    notice: Text | None = None
    state: Literal["draft", "open", "closed"]
    published_version: int | None
    unit_id: UUID | None
    threshold: Annotated[int, Field(ge=10)]
    scored: list[ScoredQuestion]


class ScoreReleased(Event):
    """One cell (question, unit, period) as it may be known: the answers so far, in steps of at least the threshold.

    The subject is the cell. `release` counts the cell's releases from 1; a later one replaces what an earlier one said.
    """

    type: ClassVar[str] = "steward.feedback.score.released.v1"
    kind: ClassVar[Literal["state", "fact"]] = "fact"

    cell_id: UUID
    survey_id: UUID
    survey_code: str
    question_id: str
    indicator_id: UUID
    unit_id: UUID
    period: PeriodKey
    release: Annotated[int, Field(ge=1)]
    final: bool
    count: Annotated[int, Field(ge=10)]
    numerator: DecimalText
    """The sum of the scores."""
    denominator: DecimalText
    """The number of answers that have a score."""
    left_out: Annotated[int, Field(ge=0)] | None = None
    """With the final release: how many answers came after the last step and are not included."""
