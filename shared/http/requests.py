"""What is checked of every request, whatever its route: known parameters, a readable media type, sound text."""

import math
import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.errors import FieldError, InvalidInput
from shared.http.fields import FIELDS, ask_for_fields, fields_of
from shared.http.problems import is_meant, methods_at
from shared.http.refusals import BadRequest, BrokenJson, WrongMediaType
from shared.http.validation import pointer, shown

# One expression for all of these took four times as long as parsing the JSON.
_SUSPECT_WORDS = (b"\x00", b"NaN", b"Infinity")
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SUSPECT_BYTES = re.compile(rb"\xed[\xa0-\xbf]")
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class UnknownParameter(BadRequest):
    """The address takes no such query parameter."""

    code = "unknown_parameter"
    title = "Unknown query parameter"


async def sound_request(request: Request) -> None:
    """Refuse what no route of ours could mean; runs before any route's own dependencies."""
    path, query = request.scope["path"], request.scope["query_string"]
    if "\x00" in path or b"%00" in query:
        raise BadRequest("An address cannot hold the character U+0000.")
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    if not is_meant(path, route.path):
        raise HTTPException(405 if methods_at(request) else 404)
    if query and path.startswith("/v1/"):
        _refuse_unknown(request, known_parameters(request.app)[id(route)])
    ask_for_fields(request, route)
    if route.body_field is not None and request.method not in ("GET", "HEAD"):
        await _refuse_unsound(request, is_form=isinstance(route.body_field.field_info, Form))


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    fields = [
        FieldError(where=f"query {name}", accepted=_one_of(known), sent=shown(value))
        for name, value in request.query_params.multi_items()
        if name not in known
    ]
    if fields:
        raise UnknownParameter(f"This address takes {_one_of(known)}.", fields)


def _one_of(known: frozenset[str]) -> str:
    return ", ".join(sorted(known)) if known else "no query parameters"


def known_parameters(app: FastAPI) -> dict[int, frozenset[str]]:
    """The names of the query parameters that each route or one of its dependencies reads, by the route's identity."""
    known: dict[int, frozenset[str]] | None = getattr(app.state, "known_parameters", None)
    if known is None:
        known = {
            id(route): frozenset(_query_names(context.dependant)) | _chosen_by_fields(route)
            for context in iter_route_contexts(app.routes)
            if isinstance(route := context.original_route, APIRoute)
        }
        app.state.known_parameters = known
    return known


def _chosen_by_fields(route: APIRoute) -> set[str]:
    return {FIELDS} if fields_of(route) else set()


def _query_names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from (info.alias or name for name, info in annotation.model_fields.items())
        else:
            yield parameter.alias
    for inner in dependant.dependencies:
        yield from _query_names(inner)


async def _refuse_unsound(request: Request, *, is_form: bool) -> None:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if is_form:
        if media_type not in _FORM_TYPES:
            raise WrongMediaType(f"Send a form: {' or '.join(_FORM_TYPES)}.")
        form = await request.form()
        _refuse(_unsound([value for value in form.values() if isinstance(value, str)]))
        return
    body = await request.body()
    if not body:
        return
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise WrongMediaType("Send JSON, with «Content-Type: application/json».")
    if _is_suspect(body):
        _refuse(_unsound(await request.json()))


def _is_suspect(body: bytes) -> bool:
    """Whether the body may hold a NUL, a lone surrogate, NaN or Infinity, so that it is worth a walk.

    A number too large for a float is not looked for here: request models refuse it (`Strict`).
    """
    return (
        any(word in body for word in _SUSPECT_WORDS)
        or _SUSPECT_ESCAPE.search(body) is not None
        or _SUSPECT_BYTES.search(body) is not None
    )


def _refuse(found: Iterator[tuple[list[str | int], str]]) -> None:
    fields = [FieldError(where=pointer(path), accepted=accepted) for path, accepted in found]
    if any(field.accepted == _A_NUMBER for field in fields):
        raise BrokenJson("JSON has no NaN and no Infinity.", fields)
    if fields:
        raise InvalidInput("Some text holds characters that cannot be kept.", fields)


_A_NUMBER = "a finite number, or a decimal in quotes"
_NO_NUL = "text without the character U+0000"
_WHOLE_TEXT = "text whose surrogates come in pairs"


def _unsound(body: Any) -> Iterator[tuple[list[str | int], str]]:
    """Where in the data something cannot be stored, and what would do.

    Without recursion: the JSON parser takes deeper nesting than our own calls could follow.
    """
    waiting: list[tuple[Any, list[str | int]]] = [(body, [])]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, str):
            if accepted := _wrong_with(value):
                yield path, accepted
        elif isinstance(value, float) and not math.isfinite(value):
            yield path, _A_NUMBER
        elif isinstance(value, dict):
            yield from ((path, accepted) for name in value if (accepted := _wrong_with(name)))
            waiting += [(inner, [*path, name]) for name, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(inner, [*path, index]) for index, inner in reversed(list(enumerate(value)))]


def _wrong_with(text: str) -> str | None:
    if "\x00" in text:
        return _NO_NUL
    return _WHOLE_TEXT if any("\ud800" <= character <= "\udfff" for character in text) else None
