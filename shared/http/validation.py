"""What pydantic found wrong, in the words of a problem: where, what was sent, what would be accepted."""

import json
from collections.abc import Sequence
from typing import Any, get_args

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from shared.errors import FieldError

LONGEST_SENT = 100
MOST_ERRORS = 200

PRIVATE: dict[str, Any] = {"x-steward-private": True}
"""`openapi_extra=PRIVATE` on a route whose body holds people's answers: errors never repeat what was sent."""


def is_private(request: Request) -> bool:
    """Whether what was sent to this route must not be repeated."""
    return bool((getattr(request.scope.get("route"), "openapi_extra", None) or {}).get("x-steward-private"))


def broken_json(error: RequestValidationError) -> str | None:
    """Why the body could not be read as JSON, or None where it could."""
    for each in error.errors():
        if each["type"] == "json_invalid":
            position = each["loc"][-1]
            return f"{each.get('ctx', {}).get('error', 'Unreadable')} at character {position} of the body."
    return None


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer; the empty one is the whole body."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def field_errors(request: Request, error: RequestValidationError) -> list[FieldError]:
    """Each thing wrong, all at once, in the order of the input."""
    private = is_private(request)
    annotation = _body_annotation(request)
    found: dict[tuple[str, str], FieldError] = {}
    for each in error.errors()[:MOST_ERRORS]:
        source, *rest = each["loc"]
        if source == "body":
            path = _path_in(error.body, rest, missing=each["type"] == "missing")
            where = pointer(path)
            known = _known_fields(annotation, path[:-1]) if each["type"] == "extra_forbidden" else []
        else:
            where, known = " ".join([str(source), *(str(part) for part in rest)]), []
        accepted = _accepted(each, known, private=private)
        sent = None if private or each["type"] == "missing" else shown(each.get("input"))
        found.setdefault((where, accepted), FieldError(where=where, accepted=accepted, sent=sent))
    return list(found.values())


def shown(value: Any) -> str:
    """What was sent, as JSON, shortened, and always printable."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_SENT else text[: LONGEST_SENT - 1] + "…"


def _path_in(body: Any, location: Sequence[str | int], *, missing: bool) -> list[str | int]:
    """The steps that lead through what was sent: pydantic also names members of unions and validators on the way."""
    path: list[str | int] = []
    for index, step in enumerate(location):
        if _has(body, step):
            body = body[step]
        elif not (missing and index == len(location) - 1):
            continue
        path.append(step)
    return path


def _has(body: Any, step: str | int) -> bool:
    if isinstance(body, list):
        return isinstance(step, int) and step < len(body)
    return isinstance(body, dict) and step in body


def _accepted(error: dict[str, Any], known: Sequence[str], *, private: bool) -> str:
    if error["type"] == "missing":
        return "a value: this is required"
    if error["type"] == "extra_forbidden":
        return f"nothing: there is no such field here; known are {', '.join(known)}" if known else "no such field"
    message = str(error["msg"])
    if private:
        # A parser's reason after the comma may quote a part of the input.
        message = message.split(", ", 1)[0]
    for opening in ("Value error, ", "Input should be ", "Assertion failed, "):
        message = message.removeprefix(opening)
    return message


def _body_annotation(request: Request) -> Any:
    body = getattr(request.scope.get("route"), "body_field", None)
    return None if body is None else body.field_info.annotation


def _known_fields(annotation: Any, path: Sequence[str | int]) -> list[str]:
    """The fields of the model at this place, as far as the annotation shows it."""
    models = _models(annotation)
    for step in path:
        models = [
            inner
            for model in models
            for name, info in model.model_fields.items()
            if isinstance(step, int) or step in (name, info.alias)
            for inner in (_models(info.annotation) if not isinstance(step, int) else [model])
        ]
    return sorted({info.alias or name for model in models for name, info in model.model_fields.items()})


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
