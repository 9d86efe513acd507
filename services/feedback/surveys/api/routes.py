"""Making surveys and putting them out, for a body's people."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from services.feedback.directory.queries import codes_of_units, is_applied, unit_by_key
from services.feedback.permissions import SurveyPublisher, SurveyReader, SurveyWriter
from services.feedback.schema import LogHead
from services.feedback.surveys import operations, queries
from services.feedback.surveys.api.bodies import (
    SurveyChange,
    SurveyFilters,
    SurveyIn,
    SurveyOut,
    VersionFilters,
    VersionIn,
    VersionOut,
    survey_out,
    version_out,
)
from services.feedback.surveys.tables import Survey
from shared.database import transaction
from shared.http.concurrency import IfMatch, set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.pages import Follower, Page, say_where_to_follow
from shared.http.problems import CHANGES, READS, RESPONSES, WRITES
from shared.http.sessions import Now, Reading, Session, Sessions
from shared.http.written import After, Mark, caught_up, tell_version
from shared.ids import Key

router = APIRouter(prefix="/v1/surveys", tags=["surveys"], route_class=IdempotentRoute)

VersionNumber = Annotated[int, Path(ge=1, le=1_000_000)]


async def named_things_are_known(_: SurveyWriter, after: After, sessions: Sessions) -> None:
    """Wait for what the body of the request names, where the caller says that it is on its way.

    The permission comes first: nobody else is kept waiting, or told what has arrived.
    """

    async def applied(mark: Mark) -> bool:
        async with transaction(sessions) as session:
            return await is_applied(session, mark.aggregate_id, mark.version)

    await caught_up(after, applied)


_WAITS = [Depends(named_things_are_known)]


@router.post("", status_code=201, responses={**WRITES, 503: RESPONSES[503]}, dependencies=_WAITS)
async def create_survey(
    body: SurveyIn, caller: SurveyWriter, session: Session, now: Now, response: Response
) -> SurveyOut:
    """Make a survey, as a draft."""
    draft = operations.Draft(body.code, body.title, body.notice, body.unit, body.threshold)
    survey = await operations.create_survey(session, draft=draft, caller=caller, now=now)
    response.headers["Location"] = f"/v1/surveys/{survey.code}"
    return await _shown(session, survey, response)


@router.get("", responses=READS)
async def list_surveys(
    query: Annotated[SurveyFilters, Query()],
    caller: SurveyReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[SurveyOut]:
    """The surveys of the caller's units, drafts among them."""
    unit_id = (await unit_by_key(session, query.unit, caller.scope)).id if query.unit else None
    surveys, following = await queries.list_surveys(session, query, caller.scope, state=query.state, unit_id=unit_id)
    codes = await codes_of_units(session, {survey.unit_id for survey in surveys})
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[survey_out(survey, codes) for survey in surveys], next=following)


@router.patch("/{key}", responses=CHANGES)
async def change_survey(
    key: Key, body: SurveyChange, caller: SurveyWriter, seen: IfMatch, session: Session, now: Now, response: Response
) -> SurveyOut:
    """Change title, notice or threshold."""
    survey = await operations.change_survey(session, key, changes=body.given(), seen=seen, caller=caller, now=now)
    return await _shown(session, survey, response)


@router.get("/{key}/versions", responses=READS)
async def list_survey_versions(
    key: Key,
    query: Annotated[VersionFilters, Query()],
    caller: SurveyReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[VersionOut]:
    """All versions of a survey, published or not; the ETag is the survey's, for changing it."""
    survey = await queries.find_survey(session, key, caller.scope)
    versions, following = await queries.list_versions(session, query, survey.id)
    codes = await codes_of_units(session, {version.unit_id for version in versions})
    set_etag(response, survey.version)
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[version_out(survey, version, codes) for version in versions], next=following)


@router.post("/{key}/versions", status_code=201, responses={**WRITES, 503: RESPONSES[503]}, dependencies=_WAITS)
async def add_survey_version(key: Key, body: VersionIn, caller: SurveyWriter, session: Session, now: Now) -> VersionOut:
    """Write the questions of a new version; nobody sees them until it is published."""
    survey, version = await operations.add_version(
        session,
        key,
        unit=body.unit,
        introduction=body.introduction,
        questions=[question.as_asked() for question in body.questions],
        caller=caller,
        now=now,
    )
    return version_out(survey, version, await codes_of_units(session, {version.unit_id}))


@router.post("/{key}/versions/{number}:publish", responses=WRITES)
async def publish_survey_version(
    key: Key, number: VersionNumber, caller: SurveyPublisher, session: Session, now: Now, response: Response
) -> VersionOut:
    """Put a version out, for good: it can never be changed."""
    survey, version = await operations.publish_version(session, key, number, caller=caller, now=now)
    tell_version(response, "feedback", survey.id, survey.version)
    return version_out(survey, version, await codes_of_units(session, {version.unit_id}))


@router.post("/{key}:open", responses=WRITES)
async def open_survey(key: Key, caller: SurveyPublisher, session: Session, now: Now, response: Response) -> SurveyOut:
    """Let people answer."""
    return await _shown(session, await operations.open_survey(session, key, caller=caller, now=now), response)


@router.post("/{key}:close", responses=WRITES)
async def close_survey(key: Key, caller: SurveyPublisher, session: Session, now: Now, response: Response) -> SurveyOut:
    """Take no more answers, for good; this holds on every replica within a second."""
    return await _shown(session, await operations.close_survey(session, key, caller=caller, now=now), response)


async def _shown(session: Session, survey: Survey, response: Response) -> SurveyOut:
    tell_version(response, "feedback", survey.id, survey.version)
    return survey_out(survey, await codes_of_units(session, {survey.unit_id}))
