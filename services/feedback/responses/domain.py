"""Checking answers against their questions, and bringing them into the one form in which they are compared. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.feedback.responses.errors import InvalidAnswers
from services.feedback.surveys.domain import PublishedVersion, Question
from shared.decimals import DECIMAL_PATTERN, plain
from shared.errors import FieldError

_QUESTION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DECIMAL = re.compile(DECIMAL_PATTERN.removesuffix("$") + r"\Z")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What no text can hold: NUL, and halves of characters."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A response as it was sent: its id was drawn at random by the client and makes a repeat harmless."""

    id: UUID
    version: int
    language: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Content:
    """A checked response in its one form: option ids, decimals without trailing zeros, composed characters."""

    id: UUID
    version: int
    language: str
    answers: Mapping[str, str]

    def says_the_same_as(self, other: "Content") -> bool:
        """Whether two responses with one id are one response."""
        return self == other


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a response is stored: now, or by an earlier request that said the same."""

    id: UUID
    duplicate: bool


def checked(submission: Submission, version: PublishedVersion) -> Content:
    """The response in its one form, or an error that names every question whose answer does not fit."""
    problems = []
    answers = {}
    if submission.id.version != 4:
        # Other versions hold the time of their making or an address: they would say when and where somebody answered.
        problems.append(FieldError("/id", "a random UUID (version 4): others tell when they were made"))
    if submission.language not in version.questionnaire.languages:
        problems.append(FieldError("/language", f"one of {', '.join(version.questionnaire.languages)}"))
    for question in version.questionnaire.questions:
        answer = submission.answers.get(question.id)
        accepted = _canonical(question, answer) if answer is not None else None
        if isinstance(accepted, _Refused):
            problems.append(FieldError(f"/answers/{question.id}", accepted.rule))
        elif accepted is not None:
            answers[question.id] = accepted
        elif question.required:
            problems.append(FieldError(f"/answers/{question.id}", "an answer: the question is required"))
    for name in sorted(submission.answers.keys() - version.questionnaire.by_id.keys()):
        # A name that could not be ours may be anything, also an answer: it is not repeated.
        where = f"/answers/{name}" if _QUESTION_ID.fullmatch(name) else "/answers"
        problems.append(FieldError(where, f"nothing: version {version.number} has no such question"))
    if problems:
        count = "One thing" if len(problems) == 1 else f"{len(problems)} things"
        raise InvalidAnswers(f"{count} in the response cannot be accepted.", problems)
    return Content(submission.id, version.number, submission.language, answers)


@dataclass(frozen=True, slots=True)
class _Refused:
    rule: str


def _canonical(question: Question, answer: str) -> str | _Refused | None:
    if question.kind == "single_choice":
        chosen = question.option(answer)
        return chosen.id if chosen else _Refused("the id of one of the question's options")
    if question.kind == "number":
        return _number(question, answer)
    return _text(question, answer)


def _number(question: Question, answer: str) -> str | _Refused:
    if not _DECIMAL.match(answer):
        return _Refused("a decimal as text, such as 12.5: at most 18 digits before and 12 after the point")
    value = Decimal(answer)
    if question.low is not None and value < question.low:
        return _Refused(f"a number of at least {plain(question.low)}")
    if question.high is not None and value > question.high:
        return _Refused(f"a number of at most {plain(question.high)}")
    # No arithmetic here: normalize() would round thirty digits to the context's twenty-eight.
    text = plain(value)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    digits = text.removeprefix("-").lstrip("0")
    digits = f"0{digits}" if not digits or digits.startswith(".") else digits
    return f"-{digits}" if text.startswith("-") and digits != "0" else digits


def _text(question: Question, answer: str) -> str | _Refused | None:
    if _UNSTORABLE.search(answer):
        return _Refused("text without NUL and without halves of characters")
    composed = unicodedata.normalize("NFC", answer)
    if question.max_length is not None and len(composed) > question.max_length:
        return _Refused(f"at most {question.max_length} characters")
    # Left blank is left out: an app and a form that send an empty field mean the same as one that sends none.
    return composed if composed.strip() else None
