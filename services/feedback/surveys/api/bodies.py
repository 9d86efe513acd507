"""What goes in and out of the routes of surveys."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.feedback.surveys.domain import Option, Question, State
from services.feedback.surveys.tables import Survey, SurveyVersion
from shared.http.models import ABSENT, Change, Strict
from shared.http.pages import PageSettings, sorted_by
from shared.ids import Code, Key
from shared.numbers import DecimalText
from shared.texts import Text

ItemId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Means the same in every version")]
Threshold = Annotated[int, Field(ge=10, le=1_000_000, description="Scores appear in steps of at least so many answers")]
Feeds = Annotated[Key | None, Field(description="The indicator that its score feeds, by id or code")]


class OptionIn(Strict):
    """An answer to choose; without a score it is outside the denominator."""

    id: ItemId
    text: Text
    score: DecimalText | None = None


class _QuestionIn(Strict):
    id: ItemId
    text: Text
    hint: Text | None = None
    required: bool = False


class SingleChoiceIn(_QuestionIn):
    """A question with options to choose one from."""

    kind: Literal["single_choice"]
    options: Annotated[list[OptionIn], Field(min_length=2, max_length=50)]
    indicator: Feeds = None

    def as_asked(self) -> Question:
        """The question, with its indicator as the caller named it."""
        return Question(
            id=self.id,
            kind=self.kind,
            text=self.text,
            hint=self.hint,
            required=self.required,
            options=tuple(Option(option.id, option.text, option.score) for option in self.options),
            indicator_code=self.indicator,
        )


class NumberIn(_QuestionIn):
    """A question answered with a decimal; one that feeds an indicator needs both limits."""

    kind: Literal["number"]
    min: DecimalText | None = None
    max: DecimalText | None = None
    indicator: Feeds = None

    def as_asked(self) -> Question:
        """The question, with its indicator as the caller named it."""
        return Question(
            id=self.id,
            kind=self.kind,
            text=self.text,
            hint=self.hint,
            required=self.required,
            low=self.min,
            high=self.max,
            indicator_code=self.indicator,
        )


class TextIn(_QuestionIn):
    """A question answered in the respondent's own words."""

    kind: Literal["text"]
    max_length: Annotated[int, Field(ge=1, le=10_000)] = 1000

    def as_asked(self) -> Question:
        """The question; text feeds no indicator."""
        return Question(
            id=self.id,
            kind=self.kind,
            text=self.text,
            hint=self.hint,
            required=self.required,
            max_length=self.max_length,
        )


QuestionIn = Annotated[SingleChoiceIn | NumberIn | TextIn, Field(discriminator="kind")]


class SurveyIn(Strict):
    """A survey to make; its questions come with its versions."""

    code: Code = Field(examples=["ae-experience"])
    title: Text
    unit: Key = Field(description="The unit that it belongs to, by id or code")
    notice: Text | None = Field(default=None, description='Shown wherever its scores are, such as "Simulated answers"')
    threshold: Threshold = 10


class SurveyChange(Change):
    """What can be changed in a survey."""

    title: Text = ABSENT
    notice: Text | None = None
    threshold: Threshold = ABSENT


class VersionIn(Strict):
    """Questions for people to answer."""

    unit: Key | None = Field(default=None, description="The unit that the answers are about; the survey's if not given")
    introduction: Text | None = None
    questions: Annotated[list[QuestionIn], Field(min_length=1, max_length=100)]


class SurveyFilters(PageSettings):
    """Which surveys are listed."""

    sort: str | None = sorted_by("code", "state")
    state: State | None = None
    unit: Key | None = Field(default=None, description="The unit that the survey belongs to, by id or code")


class VersionFilters(PageSettings):
    """How the versions of a survey are listed."""

    sort: str | None = sorted_by("number")


class SurveyOut(BaseModel):
    """A survey as those who make it see it."""

    id: UUID
    code: str
    title: Text
    notice: Text | None
    state: State
    unit: str = Field(description="The unit's code")
    unit_id: UUID
    threshold: int
    published_version: int | None


class VersionOut(BaseModel):
    """A version of a survey; published ones never change."""

    survey: str = Field(description="The survey's code")
    survey_id: UUID
    number: int
    unit: str = Field(description="The unit's code")
    unit_id: UUID
    introduction: Text | None
    languages: list[str]
    questions: list[dict[str, Any]]
    published: bool


class PublicSurvey(BaseModel):
    """A survey as everybody may read it, with the newest version of its questions."""

    id: UUID
    code: str
    title: Text
    notice: Text | None
    state: Literal["open", "closed"]
    version: int = Field(description="Send it back with the answers")
    languages: list[str] = Field(description="Languages in which every question can be read; the first is the body's")
    unit: str = Field(description="The unit's code")
    unit_id: UUID
    introduction: Text | None
    questions: list[dict[str, Any]]
    scores_appear: str = Field(description="When answers show in scores; how many there are is not told")


def survey_out(survey: Survey, codes: Mapping[UUID, str]) -> SurveyOut:
    """A survey, with its unit's code."""
    return SurveyOut.model_validate({**survey.model_dump(), "unit": codes[survey.unit_id]})


def version_out(survey: Survey, version: SurveyVersion, codes: Mapping[UUID, str]) -> VersionOut:
    """A version, with the codes of its survey and its unit."""
    return VersionOut(
        survey=survey.code,
        survey_id=survey.id,
        number=version.number,
        unit=codes[version.unit_id],
        unit_id=version.unit_id,
        introduction=version.introduction,
        languages=version.languages,
        questions=version.questions,
        published=version.published_at is not None,
    )
