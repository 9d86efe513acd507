"""Every failure as an RFC 9457 problem: one table from kinds to status codes, one page per code."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from shared.errors import InvalidInput, Kind, ServiceError
from shared.http.languages import languages_in
from shared.http.refusals import BadRequest, BrokenJson, Busy, Internal, MethodNotAllowed, NoSuchPath, TooLarge
from shared.http.translations import ENGLISH, Translation, told_in, translation_for
from shared.http.validation import broken_json, field_errors

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[Kind, int] = {
    "bad-request": 400,
    "not-signed-in": 401,
    "forbidden": 403,
    "not-found": 404,
    "wrong-method": 405,
    "too-slow": 408,
    "conflict": 409,
    "gone": 410,
    "precondition-failed": 412,
    "too-large": 413,
    "address-too-long": 414,
    "wrong-media-type": 415,
    "rule-broken": 422,
    "precondition-required": 428,
    "too-many": 429,
    "head-too-large": 431,
    "internal": 500,
    "unavailable": 503,
}


class ProblemError(BaseModel):
    """One thing wrong with the input."""

    where: str = Field(description="JSON pointer into the body, or the parameter's place and name")
    sent: str | None = Field(default=None, description="What was sent, shortened; left out where it is private")
    accepted: str = Field(description="What would be accepted")


class Problem(BaseModel):
    """An RFC 9457 problem."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/invalid_input"], description="A page that explains the code")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The address asked for")
    code: str = Field(description="Stable; programmes decide by this", examples=["invalid_input"])
    retry: Literal["never", "same", "after_login", "smaller"]
    request_id: str = Field(description="Quote it when you report a problem; also in X-Request-Id")
    errors: list[ProblemError] | None = None


def _described(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {status: {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}}


RESPONSES: dict[int | str, dict[str, Any]] = {
    **_described(400, "The request cannot be read: broken JSON, an unknown query parameter, a bad cursor"),
    **_described(401, "No access token, or one that is not accepted"),
    **_described(403, "None of the caller's roles holds the permission"),
    **_described(404, "There is no such thing, or none that the caller may see"),
    **_described(409, "The state of the thing does not allow this"),
    **_described(410, "It is closed for good"),
    **_described(412, "Somebody changed it first; the answer names the current version"),
    **_described(413, "The body is larger than this operation takes"),
    **_described(415, "The body is of another media type"),
    **_described(422, "Some of the input cannot be accepted; every field is named"),
    **_described(428, "If-Match with the version you have read is missing"),
    **_described(429, "More requests than the caller's limits allow; go on after Retry-After seconds"),
    **_described(500, "We failed, and nothing was kept; quote the request id when you report it"),
    **_described(503, "Not now; try the same request after Retry-After seconds"),
}
"""Error answers for OpenAPI: `responses={404: RESPONSES[404]}`; the app adds those common to every operation."""


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers with these statuses, for `responses=`."""
    return {status: RESPONSES[status] for status in statuses}


READS = answers(401, 403, 404)
WRITES = answers(401, 403, 404, 409, 422)
CHANGES = answers(401, 403, 404, 409, 412, 422, 428)
"""What may go wrong with changing the version that the caller has seen; above, with adding, and with reading."""


def problem_of(error: ServiceError, *, path: str, request_id: str) -> dict[str, Any]:
    """The error as the members of a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": STATUS[error.kind],
        "detail": error.detail,
        "instance": path,
        "code": error.code,
        "retry": error.retry,
        "request_id": request_id,
    }
    if error.fields:
        body["errors"] = [
            {"where": each.where, **({} if each.sent is None else {"sent": each.sent}), "accepted": each.accepted}
            for each in error.fields
        ]
    return {**error.facts, **body}


def problem_response(request: Request, error: ServiceError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that tells the error: a problem, or for a browser on a page the same as HTML."""
    body = problem_of(error, path=request.url.path, request_id=request.scope.get("steward.request_id", ""))
    body, language = told_in(_words_for(request), body, error)
    extra = {"Content-Language": language, "Vary": "Accept, Accept-Language, Origin", **(headers or {})}
    if error.retry_after is not None:
        extra["Retry-After"] = str(error.retry_after)
    if error.kind == "not-signed-in":
        refused = ', error="invalid_token"' if error.code == "token_refused" else ""
        extra["WWW-Authenticate"] = f'Bearer realm="steward"{refused}'
    render = getattr(request.app.state, "problem_page", None) if _wants_page(request) else None
    if render is not None:
        page: Response = render(request, body)
        page.headers.update(extra)
        return page
    return JSONResponse(body, STATUS[error.kind], headers=extra, media_type=MEDIA_TYPE)


def _words_for(request: Request) -> Translation:
    accepted = request.headers.get("accept-language")
    return translation_for(languages_in(accepted)) if accepted else ENGLISH


def problem_bytes(error: ServiceError, *, path: str, request_id: str) -> bytes:
    """The same outside the app, where middleware answers by itself."""
    return json.dumps(problem_of(error, path=path, request_id=request_id)).encode()


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def install(app: FastAPI) -> None:
    """Answer every failure with a problem."""

    async def anticipated(request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)  # noqa: S101 - registered for this class alone
        return problem_response(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        if (reason := broken_json(error)) is not None:
            return problem_response(request, BrokenJson(reason))
        fields = field_errors(request, error)
        detail = "One thing in the input cannot be accepted."
        if len(fields) > 1:
            detail = f"{len(fields)} things in the input cannot be accepted."
        return problem_response(request, InvalidInput(detail, fields))

    async def from_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        if error.status_code == 405:
            allowed = ", ".join(methods_at(request))
            error = HTTPException(405, headers={"Allow": allowed})
        return problem_response(request, translated(request, error), error.headers)

    async def from_database(request: Request, error: Exception) -> Response:
        if not is_transient(error):
            raise error
        log.warning("database_busy", reason=type(error).__name__)
        return problem_response(request, Busy("The database cannot take this now; send the same again."))

    app.add_exception_handler(ServiceError, anticipated)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, from_framework)
    for unreachable in (DBAPIError, PoolExhausted, OSError, asyncpg.PostgresError, *_CLIENTS_OWN):
        app.add_exception_handler(unreachable, from_database)


def is_meant(path: str, declared: str) -> bool:
    """Whether a path that fits a route is meant for it: a key holds no colon, so `units/RF4:close` is no unit."""
    return ":" not in path or ":" in declared


def methods_at(request: Request) -> list[str]:
    """What the address can be asked for: the framework names the methods of its first route alone."""
    path = request.scope["path"]
    found = {
        method
        for context in iter_route_contexts(request.app.routes)
        if (pattern := getattr(context, "path_regex", None)) is not None
        and pattern.match(path)
        and is_meant(path, str(context.path))
        for method in context.methods or ()
    }
    return sorted(found | {"HEAD"} if "GET" in found else found)


def translated(request: Request, error: HTTPException) -> ServiceError:
    """What the framework raised, in our words."""
    if error.status_code == 404:
        return NoSuchPath(f"Nothing is served at {request.url.path}; / lists where to start.")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(f"{request.method} is not possible here, only {allowed}.")
    if error.status_code == 413:
        return TooLarge(str(error.detail))
    if error.status_code == 400:
        return BadRequest("The body cannot be read as what its Content-Type says.")
    return Internal(f"The framework answered {error.status_code}.")


_CLIENTS_OWN = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver says by itself; the second of a connection whose server has just said farewell."""
TRANSIENT_STATES = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53100", "53200", "53300"}
"""Serialisation failure, deadlock, lock not available; stopping, crashed, starting; no disk, memory, connection."""


def is_transient(error: BaseException) -> bool:
    """Whether the database was away or busy, so that the same request may succeed later."""
    if isinstance(error, DBAPIError):
        # What SQLAlchemy has made of the driver's error does not tell a lost connection; the driver's own does.
        causes = (each for each in (error.orig, getattr(error.orig, "__cause__", None)) if each is not None)
        return error.connection_invalidated or any(map(is_transient, causes))
    if isinstance(error, PoolExhausted | ConnectionError | TimeoutError):
        return True
    if isinstance(error, _CLIENTS_OWN):
        return not isinstance(error, ValueError)  # used after it was lost, not given what it cannot send
    state = str(getattr(error, "sqlstate", None) or "")
    return state in TRANSIENT_STATES or state.startswith("08")


def all_errors(parent: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Every error that has a code of its own, for the pages at /problems."""
    for each in parent.__subclasses__():
        if "code" in vars(each):
            yield each
        yield from all_errors(each)
