"""Reading surveys: for those who make them, and for everybody who answers."""

import asyncio
import json
import time
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.errors import BodyUnknown
from services.feedback.directory.tables import Unit
from services.feedback.surveys.domain import PublishedSurvey, PublishedVersion, Questionnaire, from_json
from services.feedback.surveys.errors import SurveyNotFound, VersionNotFound
from services.feedback.surveys.tables import Survey, SurveyVersion
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import within
from shared.ids import as_id


async def find_survey(session: AsyncSession, key: str, scope: UnitScope, *, lock: bool = False) -> Survey:
    """The survey with an id or code, if it belongs to the caller's units; locked where it is about to change."""
    id_ = as_id(key)
    wanted = col(Survey.id) == id_ if id_ else col(Survey.code) == key
    query = select(Survey).where(wanted, within(Unit, scope, col(Survey.unit_id)))
    survey = (await session.exec(query.with_for_update() if lock else query)).first()
    if survey is None:
        raise SurveyNotFound(f"There is no survey {key}, or not for you.")
    return survey


async def list_surveys(
    session: AsyncSession, query: PageSettings, scope: UnitScope, *, state: str | None, unit_id: UUID | None
) -> tuple[list[Survey], str | None]:
    """One page of the surveys of the caller's units, drafts among them."""
    surveys = select(Survey).where(within(Unit, scope, col(Survey.unit_id)))
    if state is not None:
        surveys = surveys.where(col(Survey.state) == state)
    if unit_id is not None:
        surveys = surveys.where(col(Survey.unit_id) == unit_id)
    sortable = {"code": col(Survey.code), "state": col(Survey.state)}
    return await page(session, surveys, query, sortable=sortable, default_sort=[col(Survey.code)])


async def list_versions(
    session: AsyncSession, query: PageSettings, survey_id: UUID
) -> tuple[list[SurveyVersion], str | None]:
    """One page of the versions of a survey, published or not."""
    versions = select(SurveyVersion).where(col(SurveyVersion.survey_id) == survey_id)
    number = col(SurveyVersion.number)
    return await page(session, versions, query, sortable={"number": number}, default_sort=[number])


async def find_version(session: AsyncSession, survey_id: UUID, number: int) -> SurveyVersion:
    """One version of a survey."""
    version = await session.get(SurveyVersion, (survey_id, number))
    if version is None:
        raise VersionNotFound(f"The survey has no version {number}.")
    return version


async def published_questions(session: AsyncSession, survey_id: UUID) -> list[dict[str, Any]]:
    """The questions of all published versions, oldest first."""
    versions = await session.exec(
        select(SurveyVersion)
        .where(col(SurveyVersion.survey_id) == survey_id, col(SurveyVersion.published_at).is_not(None))
        .order_by(col(SurveyVersion.number))
    )
    return [question for version in versions for question in version.questions]


async def newest_number(session: AsyncSession, survey_id: UUID) -> int:
    """The highest version number given out so far; 0 before the first."""
    numbers = select(SurveyVersion.number).where(col(SurveyVersion.survey_id) == survey_id)
    return (await session.exec(numbers.order_by(col(SurveyVersion.number).desc()))).first() or 0


_SURVEY = """
select s.id, s.code, s.title, s.notice, s.state, s.threshold, s.version, b.time_zone
from feedback.survey s left join feedback.body b on true
where s.state <> 'draft' and {condition}
"""
_BY_ID = _SURVEY.format(condition="s.id = $1")
_BY_CODE = _SURVEY.format(condition="s.code = $1")
_VERSIONS = """
select v.number, v.unit_id, coalesce(u.code, '') as unit_code, v.introduction, v.languages, v.questions,
       lead(v.published_at) over (order by v.number) as superseded_at
from feedback.survey_version v left join feedback.unit u on u.id = v.unit_id
where v.survey_id = $1 and v.published_at is not null
order by v.number
"""


class PublishedSurveys:
    """The surveys that people answer, remembered for half a second.

    So a closed survey refuses answers within a second on every replica, whoever closed it. What is remembered longer
    is only what cannot change under its version: the parsed questions.
    """

    REMEMBERED = 0.5

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._known: dict[str, tuple[float, PublishedSurvey]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def find(self, key: str) -> PublishedSurvey:
        """The survey with an id or code, as it stood at most half a second ago; drafts are not found."""
        held = self._known.get(key)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        if held is None:
            return await self._read(key, None)
        # One reader for all who ask at once; the lock exists only for surveys that exist.
        async with self._locks.setdefault(key, asyncio.Lock()):
            held = self._known.get(key)
            if held is not None and held[0] > time.monotonic():
                return held[1]
            return await self._read(key, held[1] if held else None)

    async def _read(self, key: str, held: PublishedSurvey | None) -> PublishedSurvey:
        until = time.monotonic() + self.REMEMBERED
        id_ = as_id(key)
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(_BY_ID if id_ else _BY_CODE, id_ or key)
            if row is None:
                self._known.pop(key, None)
                raise SurveyNotFound(f"There is no survey {key}.")
            if row["time_zone"] is None:
                raise BodyUnknown("Goals has not told of the body yet; try again in a moment.")
            if held is not None and (held.version, held.time_zone) == (row["version"], row["time_zone"]):
                survey = held
            else:
                survey = _survey(row, await connection.fetch(_VERSIONS, row["id"]))
        self._known[key] = (until, survey)
        return survey


def _survey(row: asyncpg.Record, versions: list[asyncpg.Record]) -> PublishedSurvey:
    return PublishedSurvey(
        id=row["id"],
        code=row["code"],
        title=json.loads(row["title"]),
        notice=_loaded(row["notice"]),
        state=row["state"],
        threshold=row["threshold"],
        version=row["version"],
        time_zone=row["time_zone"],
        versions={version["number"]: _version(version) for version in versions},
    )


def _version(row: asyncpg.Record) -> PublishedVersion:
    return PublishedVersion(
        number=row["number"],
        unit_id=row["unit_id"],
        unit_code=row["unit_code"],
        introduction=_loaded(row["introduction"]),
        questionnaire=Questionnaire(
            questions=tuple(from_json(question) for question in json.loads(row["questions"])),
            languages=tuple(json.loads(row["languages"])),
        ),
        superseded_at=row["superseded_at"],
    )


def _loaded(stored: str | None) -> Any:
    return None if stored is None else json.loads(stored)
