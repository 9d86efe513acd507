"""The form that anybody can fill in, without a script and without signing in."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from services.feedback.responses.domain import Submission
from services.feedback.responses.errors import InvalidAnswers, OtherContent
from services.feedback.responses.operations.intake import Intake
from services.feedback.surveys.domain import PublishedSurvey, PublishedVersion, Question, steps_in_words
from services.feedback.surveys.errors import SurveyClosed
from services.feedback.surveys.queries import PublishedSurveys
from shared.decimals import plain
from shared.errors import FieldError
from shared.http.languages import languages_in
from shared.http.sessions import Now
from shared.ids import Key, random_id
from shared.texts import in_language
from shared.ui.render import page

router = APIRouter(include_in_schema=False)

Language = Annotated[str | None, Query(max_length=35)]
_PREFIX = "answer."


@router.get("/surveys/{key}")
async def survey_form(key: Key, request: Request, language: Language = None) -> Response:
    """The form, or the word that the survey is closed."""
    survey = await _found(request, key)
    chosen = _language(request, survey.newest, language)
    if survey.state != "open":
        return _closed(request, survey, chosen)
    return _form(request, survey, survey.newest, chosen, answers={}, errors=())


@router.post("/surveys/{key}")
async def send_survey_form(key: Key, request: Request, now: Now) -> Response:
    """Store what was filled in; what does not fit comes back beside its question, with everything else kept."""
    survey = await _found(request, key)
    fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    answers = {name.removeprefix(_PREFIX): value for name, value in fields.items() if name.startswith(_PREFIX)}
    version = survey.versions.get(_number(fields.get("version"))) or survey.newest
    language = _language(request, version, fields.get("language"))
    # An empty field of a form is a question left out.
    given = {question_id: answer.strip() for question_id, answer in answers.items() if answer.strip()}
    submission = Submission(_id(fields.get("id")), version.number, language, given)
    intake: Intake = request.app.state.intake
    try:
        await intake.take(key, submission, now=now)
    except InvalidAnswers as error:
        return _form(request, survey, version, language, answers=answers, errors=error.fields, id_=submission.id)
    except OtherContent:
        return _message(request, survey, language, "survey_sent_before.html", status=409)
    except SurveyClosed:
        return _closed(request, survey, language)
    # Somebody who reloads what follows sends nothing twice.
    return RedirectResponse(f"/surveys/{survey.code}/thank-you?language={language}", 303)


@router.get("/surveys/{key}/thank-you")
async def thank_you(key: Key, request: Request, language: Language = None) -> Response:
    """Thanks, and when the answers will show."""
    survey = await _found(request, key)
    return _message(request, survey, _language(request, survey.newest, language), "survey_thanks.html", status=200)


async def _found(request: Request, key: str) -> PublishedSurvey:
    surveys: PublishedSurveys = request.app.state.surveys
    return await surveys.find(key)


def _id(sent: str | None) -> UUID:
    try:
        return UUID(sent or "")
    except ValueError:
        return random_id()


def _number(sent: str | None) -> int:
    return int(sent) if sent and sent.isascii() and sent.isdigit() and len(sent) < 10 else 0


def _language(request: Request, version: PublishedVersion, asked: str | None) -> str:
    """The language asked for, else the first of the browser's that the questions are in, else the body's."""
    languages = version.questionnaire.languages
    wanted = (asked, asked.split("-")[0]) if asked else ()
    spoken = (*wanted, *languages_in(request.headers.get("accept-language", "")))
    return next((language for language in spoken if language in languages), languages[0])


def _closed(request: Request, survey: PublishedSurvey, language: str) -> Response:
    return _message(request, survey, language, "survey_closed.html", status=410)


def _message(request: Request, survey: PublishedSurvey, language: str, template: str, *, status: int) -> Response:
    return page(request, template, status=status, **_about(survey, language))


def _about(survey: PublishedSurvey, language: str) -> dict[str, Any]:
    return {
        "code": survey.code,
        "title": in_language(survey.title, language, survey.newest.questionnaire.languages[0]),
        "notice": in_language(survey.notice, language) if survey.notice else None,
        "scores_appear": steps_in_words(survey.threshold),
        "shown_language": language,
    }


def _form(
    request: Request,
    survey: PublishedSurvey,
    version: PublishedVersion,
    language: str,
    *,
    answers: Mapping[str, str],
    errors: tuple[FieldError, ...],
    id_: UUID | None = None,
) -> Response:
    wrong = {error.where.removeprefix("/answers/"): f"This needs {error.accepted}." for error in errors}
    questions = [
        _field(question, language, answers.get(question.id, ""), wrong.pop(question.id, None))
        for question in version.questionnaire.questions
    ]
    return page(
        request,
        "survey_form.html",
        status=422 if errors else 200,
        **_about(survey, language),
        introduction=in_language(version.introduction, language) if version.introduction else None,
        # One id per form, so that a second press of the button is a repeat; a refused id is drawn anew.
        response_id=id_ if id_ is not None and id_.version == 4 else random_id(),
        version=version.number,
        languages=version.questionnaire.languages,
        questions=questions,
        summary=[
            *(
                {"text": f"{field['text']} {field['error']}", "href": f"#{field['id']}"}
                for field in questions
                if field["error"]
            ),
            *({"text": message} for message in wrong.values()),
        ],
    )


def _field(question: Question, language: str, value: str, error: str | None) -> dict[str, Any]:
    return {
        "id": f"answer-{question.id}",
        "name": _PREFIX + question.id,
        "kind": question.kind,
        "text": in_language(question.text, language),
        "hint": _hint(question, language),
        "required": question.required,
        "options": [
            {"value": option.id, "text": in_language(option.text, language), "checked": option.id == value}
            for option in question.options
        ],
        "value": value,
        "error": error,
    }


def _hint(question: Question, language: str) -> str | None:
    parts = [in_language(question.hint, language)] if question.hint else []
    if question.low is not None and question.high is not None:
        parts.append(f"A number from {plain(question.low)} to {plain(question.high)}.")
    if not question.required:
        parts.append("Optional.")
    return " ".join(parts) or None
