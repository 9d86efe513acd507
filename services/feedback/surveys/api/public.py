"""Reading a survey, for everybody who wants to answer it."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.feedback.surveys.api.bodies import PublicSurvey
from services.feedback.surveys.domain import PublishedSurvey, as_json, steps_in_words
from services.feedback.surveys.queries import PublishedSurveys
from shared.http.concurrency import etag, not_modified, set_etag
from shared.http.middleware import public_cache
from shared.http.problems import RESPONSES
from shared.ids import Key

router = APIRouter(prefix="/v1/surveys", tags=["responses"])
KEPT_FOR = 60


@router.get(
    "/{key}",
    response_model=PublicSurvey,
    responses={304: {"description": "The caller's copy is still good"}, 404: RESPONSES[404]},
)
async def read_survey(key: Key, request: Request, response: Response) -> Any:
    """The questions of a survey; an app may keep them, and send answers to them later."""
    surveys: PublishedSurveys = request.app.state.surveys
    survey = await surveys.find(key)
    if not_modified(request, etag(survey.version)):
        response = Response(status_code=304)
    set_etag(response, survey.version)
    public_cache(response, KEPT_FOR)
    return response if response.status_code == 304 else _public(survey)


def _public(survey: PublishedSurvey) -> PublicSurvey:
    version = survey.newest
    return PublicSurvey(
        id=survey.id,
        code=survey.code,
        title=dict(survey.title),
        notice=dict(survey.notice) if survey.notice else None,
        state="open" if survey.state == "open" else "closed",
        version=version.number,
        languages=list(version.questionnaire.languages),
        unit=version.unit_code,
        unit_id=version.unit_id,
        introduction=dict(version.introduction) if version.introduction else None,
        questions=[as_json(question) for question in version.questionnaire.questions],
        scores_appear=steps_in_words(survey.threshold),
    )
