"""Taking responses: checked against the survey that is open now, then stored for good."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.feedback.responses.domain import Content, Receipt, Submission, checked
from services.feedback.responses.errors import InvalidAnswers, OtherContent, VersionExpired
from services.feedback.responses.operations.storing import Row, Storing, kept_private, store_many
from services.feedback.responses.queries import stored_responses
from services.feedback.surveys.domain import PublishedSurvey
from services.feedback.surveys.errors import SurveyClosed
from services.feedback.surveys.queries import PublishedSurveys
from shared.errors import FieldError, ServiceError


class Intake:
    """Takes responses to published surveys: checks each against its questions and has it stored."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        surveys: PublishedSurveys,
        storing: Storing,
        *,
        grace: timedelta,
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._storing = storing
        self._surveys = surveys
        self._grace = grace
        self._say_stored = stored

    async def take(
        self, key: str, submission: Submission, *, now: datetime, trial: bool = False
    ) -> tuple[PublishedSurvey, Receipt]:
        """Store one response, or find that it is stored already; a trial is told the same and stores nothing."""
        survey = await self._surveys.find(key)
        content = self._checked(survey, submission, now)
        if survey.state == "open" and not trial and await self._storing.store(_row(survey, content, _day(survey, now))):
            self._say_stored()
            return survey, Receipt(content.id, duplicate=False)
        async with kept_private():
            held = await stored_responses(self._pool, survey.id, [content.id])
        if trial and survey.state == "open" and content.id not in held:
            return survey, Receipt(content.id, duplicate=False)
        return survey, _compared(survey, content, held)

    async def take_many(
        self, key: str, submissions: Sequence[Submission], *, now: datetime, trial: bool = False
    ) -> tuple[PublishedSurvey, list[Receipt | ServiceError]]:
        """Store what can be stored of a batch in one statement; what became of each item, in their order.

        A trial is told what would become of them, and stores nothing.
        """
        survey = await self._surveys.find(key)
        items = [self._checked_or_error(survey, each, now) for each in submissions]
        first: dict[UUID, Content] = {}
        for item in items:
            if isinstance(item, Content):
                first.setdefault(item.id, item)
        day = _day(survey, now)
        rows = [_row(survey, content, day) for content in first.values()] if survey.state == "open" else []
        new = await store_many(self._pool, [] if trial else rows)
        if new:
            self._say_stored()
        held: dict[UUID, Content | None] = {id_: first[id_] for id_ in new}
        # A second statement, because the first one does not see rows that others committed while it ran.
        async with kept_private():
            held |= await stored_responses(self._pool, survey.id, [id_ for id_ in first if id_ not in new])
        if trial:
            new = {row.id for row in rows if row.id not in held}
        results: list[Receipt | ServiceError] = []
        for item in items:
            if isinstance(item, ServiceError):
                results.append(item)
            elif item.id in new and item is first[item.id]:
                results.append(Receipt(item.id, duplicate=False))
            else:
                results.append(_compared_or_error(survey, item, held))
        return survey, results

    def _checked(self, survey: PublishedSurvey, submission: Submission, now: datetime) -> Content:
        version = survey.versions.get(submission.version)
        if version is None:
            numbers = ", ".join(str(number) for number in sorted(survey.versions))
            raise InvalidAnswers(
                "The survey has no such version.", [FieldError("/version", f"a published version: {numbers}")]
            )
        if not version.is_answerable(now, self._grace):
            raise VersionExpired(
                f"Version {version.number} was replaced more than {self._grace.days} days ago; "
                f"fetch the survey and answer version {survey.newest.number}."
            )
        return checked(submission, version)

    def _checked_or_error(
        self, survey: PublishedSurvey, submission: Submission, now: datetime
    ) -> Content | ServiceError:
        try:
            return self._checked(survey, submission, now)
        except ServiceError as error:
            return error


def _day(survey: PublishedSurvey, now: datetime) -> date:
    return now.astimezone(ZoneInfo(survey.time_zone)).date()


def _row(survey: PublishedSurvey, content: Content, day: date) -> Row:
    answers = msgspec.json.encode(content.answers).decode()
    return Row(survey.id, content.id, content.version, content.language, answers, day)


def _compared(survey: PublishedSurvey, content: Content, held: Mapping[UUID, Content | None]) -> Receipt:
    stored = held.get(content.id)
    if content.id not in held:
        # Also where the survey closed while this was on its way; a repeat of what is stored is still told so.
        raise SurveyClosed(f"The survey {survey.code} takes no more answers.")
    if stored is None or not content.says_the_same_as(stored):
        raise OtherContent("A response with this id is stored and says something else; it stays as it is.")
    return Receipt(content.id, duplicate=True)


def _compared_or_error(
    survey: PublishedSurvey, content: Content, held: Mapping[UUID, Content | None]
) -> Receipt | ServiceError:
    try:
        return _compared(survey, content, held)
    except ServiceError as error:
        return error
