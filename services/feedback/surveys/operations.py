"""Making a survey, putting versions of it out, opening it, and closing it for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.queries import find_indicators, is_within, the_body, unit_by_key
from services.feedback.schema import Outbox
from services.feedback.surveys.domain import Question, as_json, from_json, questionnaire, refuse_changed_meaning
from services.feedback.surveys.errors import BrokenQuestionnaire, VersionNotFound, VersionNotPublishable, WrongState
from services.feedback.surveys.queries import find_survey, find_version, newest_number, published_questions
from services.feedback.surveys.tables import Survey, SurveyVersion
from shared.contracts import ScoredQuestion, SurveyChanged
from shared.errors import CodeTaken, FieldError
from shared.http.auth import Caller
from shared.http.concurrency import check_version
from shared.ids import new_id
from shared.messaging.outbox import publish
from shared.texts import check_language


@dataclass(frozen=True, slots=True)
class Draft:
    """A survey that is about to be made."""

    code: str
    title: Mapping[str, str]
    notice: Mapping[str, str] | None
    unit: str
    threshold: int


async def create_survey(session: AsyncSession, *, draft: Draft, caller: Caller, now: datetime) -> Survey:
    """A new survey of a unit, as a draft without questions."""
    unit = await unit_by_key(session, draft.unit, caller.scope)
    check_language((await the_body(session)).default_language, title=draft.title, notice=draft.notice)
    survey = Survey(
        id=new_id(),
        code=draft.code,
        title=dict(draft.title),
        notice=dict(draft.notice) if draft.notice else None,
        threshold=draft.threshold,
        unit_id=unit.id,
    )
    try:
        async with session.begin_nested():
            session.add(survey)
    except IntegrityError as error:
        raise CodeTaken(f"Another survey has the code {draft.code}; codes are never reused.") from error
    await _tell(session, survey, caller=caller, now=now)
    return survey


async def change_survey(
    session: AsyncSession, key: str, *, changes: Mapping[str, Any], seen: int, caller: Caller, now: datetime
) -> Survey:
    """Change title, notice or threshold of a survey; only before it opens may the threshold become lower."""
    survey = await find_survey(session, key, caller.scope, lock=True)
    check_version(seen, survey.version)
    _require_state(survey, "draft", "open")
    title, notice = changes.get("title", survey.title), changes.get("notice", survey.notice)
    threshold = changes.get("threshold", survey.threshold)
    check_language((await the_body(session)).default_language, title=title, notice=notice)
    if survey.state != "draft" and threshold < survey.threshold:
        # Who answered was promised that nothing smaller would be let out.
        raise WrongState("The threshold of a survey that people have answered can only be raised.")
    survey.title, survey.notice, survey.threshold = title, notice, threshold
    await _tell(session, survey, caller=caller, now=now)
    return survey


async def add_version(
    session: AsyncSession,
    key: str,
    *,
    unit: str | None,
    introduction: Mapping[str, str] | None,
    questions: Sequence[Question],
    caller: Caller,
    now: datetime,
) -> tuple[Survey, SurveyVersion]:
    """The survey with a new version, not yet published, about the survey's unit or another one of the caller's."""
    survey = await find_survey(session, key, caller.scope, lock=True)
    _require_state(survey, "draft", "open")
    body = await the_body(session)
    questions = await _with_indicators(session, questions)
    checked = questionnaire(questions, introduction=introduction, default_language=body.default_language)
    unit_id = survey.unit_id if unit is None else (await unit_by_key(session, unit, caller.scope)).id
    await _refuse_changed_meaning(session, survey, questions)
    version = SurveyVersion(
        survey_id=survey.id,
        number=await newest_number(session, survey.id) + 1,
        unit_id=unit_id,
        introduction=dict(introduction) if introduction else None,
        languages=list(checked.languages),
        questions=[as_json(question) for question in checked.questions],
        created_at=now,
    )
    session.add(version)
    await session.flush()
    return survey, version


async def publish_version(
    session: AsyncSession, key: str, number: int, *, caller: Caller, now: datetime
) -> tuple[Survey, SurveyVersion]:
    """Put a version out, for good; the survey asks its questions from now on."""
    survey = await find_survey(session, key, caller.scope, lock=True)
    _require_state(survey, "draft", "open")
    version = await find_version(session, survey.id, number)
    if not await is_within(session, version.unit_id, caller.scope):
        # Its answers would count for that unit, and only those with rights there may let them.
        raise VersionNotFound(f"The survey has no version {number} for you.")
    if version.published_at is not None:
        raise VersionNotPublishable(f"Version {number} is published already.")
    if survey.published_version is not None and number < survey.published_version:
        raise VersionNotPublishable(f"Version {survey.published_version} is out; make a new version of this one.")
    # Another version may have been published since this one was written.
    await _refuse_changed_meaning(session, survey, [from_json(question) for question in version.questions])
    version.published_at = now
    survey.published_version = number
    await _tell(session, survey, caller=caller, now=now)
    return survey, version


async def open_survey(session: AsyncSession, key: str, *, caller: Caller, now: datetime) -> Survey:
    """Let people answer."""
    survey = await find_survey(session, key, caller.scope, lock=True)
    _require_state(survey, "draft")
    if survey.published_version is None:
        raise WrongState("Publish a version first: the survey has no questions yet.")
    survey.state = "open"
    await _tell(session, survey, caller=caller, now=now)
    return survey


async def close_survey(session: AsyncSession, key: str, *, caller: Caller, now: datetime) -> Survey:
    """Take no more answers, for good; every replica knows within a second."""
    survey = await find_survey(session, key, caller.scope, lock=True)
    _require_state(survey, "open")
    survey.state = "closed"
    await _tell(session, survey, caller=caller, now=now)
    return survey


async def _with_indicators(session: AsyncSession, questions: Sequence[Question]) -> list[Question]:
    """The questions, with the indicators that their writer named by id or code."""
    keys = {question.indicator_code for question in questions if question.indicator_code is not None}
    found = await find_indicators(session, keys)
    wrong = [
        FieldError(f"/questions/{place}/indicator", "a monthly indicator that is a ratio", question.indicator_code)
        for place, question in enumerate(questions)
        if question.indicator_code is not None and not found[question.indicator_code].takes_scores
    ]
    if wrong:
        raise BrokenQuestionnaire("A score is a sum over a count, of a month: not every indicator can take it.", wrong)
    return [
        replace(question, indicator_id=indicator.id, indicator_code=indicator.code)
        if question.indicator_code is not None and (indicator := found[question.indicator_code])
        else question
        for question in questions
    ]


def _require_state(survey: Survey, *states: str) -> None:
    if survey.state not in states:
        raise WrongState(f"The survey is {survey.state}; this needs {' or '.join(states)}.")


async def _refuse_changed_meaning(session: AsyncSession, survey: Survey, questions: Sequence[Question]) -> None:
    earlier = await published_questions(session, survey.id)
    refuse_changed_meaning([from_json(question) for question in earlier], questions)


async def _tell(session: AsyncSession, survey: Survey, *, caller: Caller, now: datetime) -> None:
    survey.version += 1
    session.add(survey)
    published = None
    if survey.published_version is not None:
        published = await find_version(session, survey.id, survey.published_version)
    questions = [from_json(question) for question in published.questions] if published else []
    publish(
        session,
        Outbox,
        SurveyChanged(
            survey_id=survey.id,
            code=survey.code,
            title=survey.title,
            notice=survey.notice,
            state=survey.state,
            published_version=survey.published_version,
            unit_id=published.unit_id if published else None,
            threshold=survey.threshold,
            scored=[
                ScoredQuestion(question_id=question.id, text=dict(question.text), indicator_id=question.indicator_id)
                for question in questions
                if question.indicator_id is not None
            ],
        ),
        subject=survey.id,
        subject_version=survey.version,
        now=now,
        actor=caller.actor,
    )
