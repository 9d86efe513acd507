"""Taking responses: the hot path, in one statement on asyncpg."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.feedback.responses.domain import Content, Receipt, Submission, checked
from services.feedback.responses.errors import InvalidAnswers, NotStored, OtherContent, VersionExpired
from services.feedback.responses.queries import stored_responses
from services.feedback.surveys.domain import PublishedSurvey
from services.feedback.surveys.errors import SurveyClosed
from services.feedback.surveys.queries import PublishedSurveys
from shared.errors import FieldError, ServiceError

log = structlog.get_logger()

# The response and its work in one statement, so one round trip and one commit hold both. The order of ids lets two
# batches with the same ids wait for each other instead of deadlocking.
_STORE = """
with given as (
    select * from unnest($2::uuid[], $3::integer[], $4::text[], $5::jsonb[])
        as t (id, version, language, answers)
), stored as (
    insert into feedback.response (id, survey_id, version, language, answers, day)
    select id, $1, version, language, answers, $6 from given order by id
    on conflict (id) do nothing
    returning id
), queued as (
    insert into feedback.scoring_queue (survey_id, response_id) select $1, id from stored
)
select id from stored
"""
_STORE_ONE = """
with stored as (
    insert into feedback.response (id, survey_id, version, language, answers, day)
    values ($2, $1, $3, $4, $5, $6)
    on conflict (id) do nothing
    returning id
), queued as (
    insert into feedback.scoring_queue (survey_id, response_id) select $1, id from stored
)
select id from stored
"""


# Longer than any statement here takes; who waits so long does better to try again.
_PATIENCE = 10.0


class Intake:
    """Takes responses to published surveys; holds a pool and what the surveys ask, and no other state."""

    def __init__(self, pool: asyncpg.Pool, surveys: PublishedSurveys, *, grace: timedelta) -> None:
        self._pool = pool
        self._surveys = surveys
        self._grace = grace

    async def take(self, key: str, submission: Submission, *, now: datetime) -> tuple[PublishedSurvey, Receipt]:
        """Store one response, or find that it is stored already."""
        survey = await self._surveys.find(key)
        content = self._checked(survey, submission, now)
        if survey.state == "open":
            row = (survey.id, content.id, content.version, content.language, _as_json(content), _day(survey, now))
            async with _kept_private():
                stored = await self._pool.fetchval(_STORE_ONE, *row)
            if stored is not None:
                return survey, Receipt(content.id, duplicate=False)
        async with _kept_private():
            held = await stored_responses(self._pool, survey.id, [content.id])
        return survey, _compared(survey, content, held)

    async def take_many(
        self, key: str, submissions: Sequence[Submission], *, now: datetime
    ) -> tuple[PublishedSurvey, list[Receipt | ServiceError]]:
        """Store what can be stored of a batch in one statement; what became of each item, in their order."""
        survey = await self._surveys.find(key)
        items = [self._checked_or_error(survey, each, now) for each in submissions]
        first: dict[UUID, Content] = {}
        for item in items:
            if isinstance(item, Content):
                first.setdefault(item.id, item)
        new = await self._store(survey, [first[id_] for id_ in sorted(first)], now) if survey.state == "open" else set()
        held: dict[UUID, Content | None] = {id_: first[id_] for id_ in new}
        # A second statement, because the first one does not see rows that others committed while it ran.
        async with _kept_private():
            held |= await stored_responses(self._pool, survey.id, [id_ for id_ in first if id_ not in new])
        results: list[Receipt | ServiceError] = []
        for item in items:
            if isinstance(item, ServiceError):
                results.append(item)
            elif item.id in new and item is first[item.id]:
                results.append(Receipt(item.id, duplicate=False))
            else:
                results.append(_compared_or_error(survey, item, held))
        return survey, results

    async def _store(self, survey: PublishedSurvey, contents: Sequence[Content], now: datetime) -> set[UUID]:
        if not contents:
            return set()
        async with _kept_private():
            rows = await self._pool.fetch(
                _STORE,
                survey.id,
                [content.id for content in contents],
                [content.version for content in contents],
                [content.language for content in contents],
                [_as_json(content) for content in contents],
                _day(survey, now),
            )
        return {row["id"] for row in rows}

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


@asynccontextmanager
async def _kept_private() -> AsyncIterator[None]:
    """Make a failing statement a plain "not now": the database's own words may quote the row, so nobody logs them."""
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.error("responses_not_stored", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        raise NotStored("Nothing was stored; send the same again.") from None


def _day(survey: PublishedSurvey, now: datetime) -> date:
    return now.astimezone(ZoneInfo(survey.time_zone)).date()


def _as_json(content: Content) -> str:
    return json.dumps(content.answers, ensure_ascii=False)


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
