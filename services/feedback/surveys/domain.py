"""Questionnaires: what is asked, what may be answered, and what an answer is worth. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from services.feedback.surveys.errors import BrokenQuestionnaire, QuestionChangedMeaning
from shared.decimals import plain
from shared.errors import FieldError

Kind = Literal["single_choice", "number", "text"]
State = Literal["draft", "open", "closed"]
SMALLEST_STEP = 10
LARGEST_SCORE = Decimal(10) ** 9
"""No score may be larger: so the sum over a thousand million answers still fits a decimal of ours."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers to choose from; without a score it counts as an answer, but outside the denominator."""

    id: str
    text: Mapping[str, str]
    score: Decimal | None = None


@dataclass(frozen=True)
class Question:
    """One question, under an id that means the same in every version."""

    id: str
    kind: Kind
    text: Mapping[str, str]
    hint: Mapping[str, str] | None = None
    required: bool = False
    options: tuple[Option, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    max_length: int | None = None
    indicator_id: UUID | None = None
    indicator_code: str | None = None

    def option(self, option_id: str) -> Option | None:
        """The option with an id."""
        return self._options_by_id.get(option_id)

    @cached_property
    def _options_by_id(self) -> Mapping[str, Option]:
        return {option.id: option for option in self.options}

    def score_of(self, answer: str) -> Decimal | None:
        """What a valid answer is worth; None where it stays outside the denominator."""
        if self.kind == "number":
            return Decimal(answer)
        option = self.option(answer)
        return option.score if option else None


@dataclass(frozen=True)
class Questionnaire:
    """The questions of one version, in the languages in which every one of them can be read."""

    questions: tuple[Question, ...]
    languages: tuple[str, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        """The questions by their ids."""
        return {question.id: question for question in self.questions}


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version that people have seen, and since when they are shown a newer one instead."""

    number: int
    unit_id: UUID
    unit_code: str
    introduction: Mapping[str, str] | None
    questionnaire: Questionnaire
    superseded_at: datetime | None

    def is_answerable(self, now: datetime, grace: timedelta) -> bool:
        """Whether an answer to it still counts: phones may have fetched it long before they are online again."""
        return self.superseded_at is None or now < self.superseded_at + grace


@dataclass(frozen=True, slots=True)
class PublishedSurvey:
    """A survey as the public may know it, with every version that was ever put to people."""

    id: UUID
    code: str
    title: Mapping[str, str]
    notice: Mapping[str, str] | None
    state: State
    threshold: int
    version: int
    time_zone: str
    versions: Mapping[int, PublishedVersion]

    @property
    def newest(self) -> PublishedVersion:
        """The version that people are shown now."""
        return self.versions[max(self.versions)]


def step_of(threshold: int) -> int:
    """How many answers a score must have gained before anything of them is let out."""
    return max(SMALLEST_STEP, threshold)


def steps_in_words(threshold: int) -> str:
    """When scores appear, as respondents are told; how many have answered is not for them to know."""
    step = "ten" if step_of(threshold) == SMALLEST_STEP else step_of(threshold)
    return f"Scores appear in steps of at least {step}, at most once a minute."


def questionnaire(
    questions: Sequence[Question], *, introduction: Mapping[str, str] | None, default_language: str
) -> Questionnaire:
    """The questions as a questionnaire, or an error that names everything wrong with them."""
    problems = [*_twice("/questions", [question.id for question in questions])]
    for place, question in enumerate(questions):
        problems += _problems_of(f"/questions/{place}", question)
    languages = _languages(questions, introduction)
    if default_language not in languages:
        problems.append(FieldError("/questions", f"every text in {default_language}, the language of the body"))
    if problems:
        raise BrokenQuestionnaire("The questions cannot be used as they are.", problems)
    return Questionnaire(tuple(questions), (default_language, *sorted(languages - {default_language})))


def refuse_changed_meaning(before: Iterable[Question], after: Sequence[Question]) -> None:
    """Hold that ids of published versions stand for the same thing, so that answers across versions add up.

    Wording, order, translations and limits may change; kind, indicator and the score of an option may not.
    """
    known = {question.id: question for question in before}
    problems = []
    for place, question in enumerate(after):
        old = known.get(question.id)
        if old is None:
            continue
        if (question.kind, question.indicator_id) != (old.kind, old.indicator_id):
            problems.append(
                FieldError(f"/questions/{place}", "the kind and indicator of earlier versions, or a new id")
            )
        for index, option in enumerate(question.options):
            earlier = old.option(option.id)
            if earlier is not None and earlier.score != option.score:
                where = f"/questions/{place}/options/{index}/score"
                problems.append(FieldError(where, "the score of earlier versions, or a new option id"))
    if problems:
        raise QuestionChangedMeaning("Answers to different versions would no longer add up.", problems)


def as_json(question: Question) -> dict[str, Any]:
    """A question as it is stored and shown."""
    shown: dict[str, Any] = {
        "id": question.id,
        "kind": question.kind,
        "text": dict(question.text),
        "hint": dict(question.hint) if question.hint else None,
        "required": question.required,
    }
    if question.kind == "single_choice":
        shown["options"] = [
            {"id": option.id, "text": dict(option.text), "score": None if option.score is None else plain(option.score)}
            for option in question.options
        ]
    elif question.kind == "number":
        shown["min"] = None if question.low is None else plain(question.low)
        shown["max"] = None if question.high is None else plain(question.high)
    else:
        shown["max_length"] = question.max_length
    if question.indicator_id:
        shown["indicator"] = {"id": str(question.indicator_id), "code": question.indicator_code}
    return shown


def from_json(stored: Mapping[str, Any]) -> Question:
    """A question as it was stored."""
    indicator = stored.get("indicator")
    return Question(
        id=stored["id"],
        kind=stored["kind"],
        text=stored["text"],
        hint=stored["hint"],
        required=stored["required"],
        options=tuple(
            Option(option["id"], option["text"], _decimal(option["score"])) for option in stored.get("options", ())
        ),
        low=_decimal(stored.get("min")),
        high=_decimal(stored.get("max")),
        max_length=stored.get("max_length"),
        indicator_id=UUID(indicator["id"]) if indicator else None,
        indicator_code=indicator["code"] if indicator else None,
    )


def _problems_of(where: str, question: Question) -> Iterator[FieldError]:
    scored = question.indicator_id is not None
    if question.kind == "single_choice":
        yield from _twice(f"{where}/options", [option.id for option in question.options])
        if scored and all(option.score is None for option in question.options):
            yield FieldError(
                f"{where}/options", "a score for at least one option of a question that feeds an indicator"
            )
        for place, option in enumerate(question.options):
            if option.score is not None and abs(option.score) > LARGEST_SCORE:
                yield FieldError(f"{where}/options/{place}/score", "a score between -1000000000 and 1000000000")
    elif question.kind == "number":
        if question.low is not None and question.high is not None and question.low >= question.high:
            yield FieldError(f"{where}/max", "more than min")
        for name, limit in (("min", question.low), ("max", question.high)):
            if scored and (limit is None or abs(limit) > LARGEST_SCORE):
                # Without bounds one answer could move the score of everybody as far as it likes.
                yield FieldError(f"{where}/{name}", "a limit between -1000000000 and 1000000000, as it is scored")


def _twice(where: str, ids: Sequence[str]) -> Iterator[FieldError]:
    for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        yield FieldError(where, f"each id once; {id_} is there more than once")


def _languages(questions: Sequence[Question], introduction: Mapping[str, str] | None) -> set[str]:
    texts = [introduction] if introduction else []
    for question in questions:
        texts += [question.text, *([question.hint] if question.hint else [])]
        texts += [option.text for option in question.options]
    return set.intersection(*(set(text) for text in texts)) if texts else set()


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
