"""Answering a survey over HTTP: for apps that may have been offline, without a sign-in and without a trace."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from starlette.responses import JSONResponse

from services.feedback.responses.domain import Submission
from services.feedback.responses.operations import Intake
from services.feedback.surveys.domain import PublishedSurvey, steps_in_words
from shared.errors import InvalidInput, ServiceError
from shared.http.bulk import BulkAnswer, ItemResult, bulk_response, refused_item
from shared.http.models import Strict
from shared.http.problems import RESPONSES
from shared.http.sessions import Now
from shared.http.validation import PRIVATE, field_errors
from shared.ids import Key

router = APIRouter(prefix="/v1/surveys", tags=["responses"])
LARGEST_BATCH = 1000

Answer = Annotated[str, StringConstraints(max_length=20_000)]


class ResponseIn(Strict):
    """What somebody answered. Its id makes a repeat harmless: draw it once, at random, and send it until 201 comes."""

    id: UUID = Field(description="A random UUID (version 4), drawn by the app once for each response")
    version: int = Field(description="The version of the survey that was answered")
    language: Annotated[str, StringConstraints(max_length=35)] = Field(description="The language it was read in")
    answers: dict[str, Answer] = Field(
        description="By question id: the option's id, a decimal as text, or text. Leave out what was not answered.",
        examples=[{"overall": "good", "hours": "3.5", "improve": "More chairs."}],
    )


class ResponseBatch(Strict):
    """Responses that an app has kept while it was offline; each may be sent again safely."""

    items: Annotated[list[Any], Field(min_length=1, max_length=LARGEST_BATCH)] = Field(
        json_schema_extra={"items": {"$ref": "#/components/schemas/ResponseIn"}}
    )


class ResponseStored(BaseModel):
    """That a response is stored."""

    id: UUID
    survey: str = Field(description="The survey's code")
    duplicate: bool = Field(description="Whether an earlier request had stored the same response already")
    scores_appear: str = Field(description="When the answers show; how many there are is not told")


@router.post(
    "/{key}/responses",
    status_code=201,
    openapi_extra=PRIVATE,
    responses={status: RESPONSES[status] for status in (404, 409, 410, 413, 422, 503)},
)
async def answer_survey(key: Key, body: ResponseIn, request: Request, now: Now) -> ResponseStored:
    """Store one response for good: 201 also for an identical repeat, 409 if the id was used for something else."""
    intake: Intake = request.app.state.intake
    survey, receipt = await intake.take(key, _submission(body), now=now)
    return ResponseStored(
        id=receipt.id,
        survey=survey.code,
        duplicate=receipt.duplicate,
        scores_appear=steps_in_words(survey.threshold),
    )


@router.post(
    "/{key}/responses:batch",
    status_code=207,
    response_model=BulkAnswer,
    openapi_extra=PRIVATE,
    responses={status: RESPONSES[status] for status in (404, 413, 422, 503)},
)
async def answer_survey_many_times(key: Key, body: ResponseBatch, request: Request, now: Now) -> JSONResponse:
    """Store up to a thousand responses; each item has the status it would have got alone, and harms no other."""
    intake: Intake = request.app.state.intake
    read = [_read_item(request, item) for item in body.items]
    survey, outcomes = await intake.take_many(key, read, now=now)
    return bulk_response([_item(survey, index, body.items[index], each) for index, each in enumerate(outcomes)])


def _submission(body: ResponseIn) -> Submission:
    return Submission(body.id, body.version, body.language, body.answers)


def _read_item(request: Request, item: Any) -> Submission | ServiceError:
    try:
        return _submission(ResponseIn.model_validate(item))
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        fields = field_errors(request, RequestValidationError(errors, body=item))
        return InvalidInput("The item is not a response.", fields)


def _item(survey: PublishedSurvey, index: int, sent: Any, outcome: Any) -> ItemResult:
    id_ = sent.get("id") if isinstance(sent, dict) else None
    if isinstance(outcome, ServiceError):
        return refused_item(index, outcome, id=id_ if isinstance(id_, str) and len(id_) <= 36 else None)
    result = {"duplicate": outcome.duplicate, "scores_appear": steps_in_words(survey.threshold)}
    return ItemResult(index=index, id=str(outcome.id), status=201, result=result)
