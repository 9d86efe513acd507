"""Answering a survey over HTTP: for apps that may have been offline, without a sign-in and without a trace."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from services.feedback.responses.domain import Receipt, Submission
from services.feedback.responses.operations.intake import Intake
from services.feedback.surveys.domain import steps_in_words
from shared.http.bulk import BulkAnswer, ItemResult
from shared.http.items import MOST_ITEMS, EachAlone, items_response, read_items
from shared.http.models import Strict
from shared.http.problems import answers
from shared.http.sessions import Now
from shared.http.trials import Trial
from shared.http.validation import PRIVATE
from shared.ids import Key

router = APIRouter(prefix="/v1/surveys", tags=["responses"])

Answer = Annotated[str, StringConstraints(max_length=20_000)]


class ResponseIn(Strict):
    """What somebody answered. Its id makes a repeat harmless: draw it once, at random, and send it until 201 comes."""

    id: UUID = Field(description="A random UUID (version 4), drawn by the app once for each response")
    version: int = Field(ge=1, le=1_000_000, description="The version of the survey that was answered")
    language: Annotated[str, StringConstraints(max_length=35)] = Field(description="The language it was read in")
    answers: dict[str, Answer] = Field(
        max_length=100,
        description="By question id: the option's id, a decimal as text, or text. Leave out what was not answered.",
        examples=[{"overall": "good", "hours": "3.5", "improve": "More chairs."}],
    )


class ResponseBatch(Strict):
    """Responses that an app has kept while it was offline; each may be sent again safely."""

    items: list[Annotated[ResponseIn, EachAlone]] = Field(min_length=1, max_length=MOST_ITEMS)


class ResponseStored(BaseModel):
    """That a response is stored."""

    id: UUID
    survey: str = Field(description="The survey's code")
    survey_id: UUID
    duplicate: bool = Field(description="Whether an earlier request had stored the same response already")
    scores_appear: str = Field(description="When the answers show; how many there are is not told")


@router.post(
    "/{key}/responses",
    status_code=201,
    openapi_extra=PRIVATE,
    responses=answers(404, 409, 410, 413, 422, 503),
)
async def answer_survey(key: Key, body: ResponseIn, request: Request, now: Now, trial: Trial) -> ResponseStored:
    """Store one response for good: 201 also for an identical repeat, 409 if the id was used for something else."""
    intake: Intake = request.app.state.intake
    survey, receipt = await intake.take(key, _submission(body), now=now, trial=trial)
    return ResponseStored(
        id=receipt.id,
        survey=survey.code,
        survey_id=survey.id,
        duplicate=receipt.duplicate,
        scores_appear=steps_in_words(survey.threshold),
    )


@router.post(
    "/{key}/responses:batch",
    status_code=207,
    response_model=BulkAnswer,
    openapi_extra=PRIVATE,
    responses=answers(404, 413, 422, 503),
)
async def answer_survey_many_times(key: Key, body: ResponseBatch, request: Request, now: Now, trial: Trial) -> Response:
    """Store up to a thousand responses; each item has the status it would have got alone, and harms no other."""
    intake: Intake = request.app.state.intake
    readable, refused = read_items(request, body.items)
    submissions = [_submission(item) for item in readable.values()]
    survey, outcomes = await intake.take_many(key, submissions, now=now, trial=trial)

    scores_appear = steps_in_words(survey.threshold)

    def stored(index: int, _: ResponseIn, receipt: Receipt) -> ItemResult:
        result = {"duplicate": receipt.duplicate, "scores_appear": scores_appear}
        return ItemResult(index=index, id=str(receipt.id), status=201, result=result)

    return items_response(readable, refused, outcomes, accepted=stored, name=lambda item: str(item.id))


def _submission(body: ResponseIn) -> Submission:
    return Submission(body.id, body.version, body.language, body.answers)
