"""`fields=`: a list's items with only what the caller asked for."""

from contextvars import ContextVar
from typing import Any, get_args

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from shared.errors import FieldError
from shared.http.problems import BadRequest

_asked: ContextVar[frozenset[str] | None] = ContextVar("asked_fields", default=None)


class BadFields(BadRequest):
    """The items of the list have no such field."""

    code = "bad_fields"
    title = "No such field"


class Listed(BaseModel):
    """Parent of answers that hold a list: a field `items` of models, which `fields=` makes narrower."""

    @model_serializer(mode="wrap")
    def _with_asked_fields(self, whole: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # OpenAPI would describe the annotation instead of the model
        told = whole(self)
        asked = _asked.get()
        if asked is not None:
            told["items"] = [{name: item[name] for name in item if name in asked} for item in told["items"]]
        return told


def ask_for_fields(request: Request, route: APIRoute) -> None:
    """Remember for this request which fields it wants; refuse those that the route's items do not have."""
    wanted = request.query_params.get("fields") if request.scope["query_string"] else None
    if wanted is None:
        _asked.set(None)
        return
    known = _fields_of_items(route.response_model)
    names = {name.strip() for name in wanted.split(",")}
    if unknown := sorted(names - known):
        accepted = ", ".join(sorted(known)) or "nothing: this address lists no items"
        errors = [FieldError(where="query fields", accepted=accepted, sent=name[:100]) for name in unknown]
        raise BadFields("The items of this list have no such field.", errors)
    _asked.set(frozenset(names))


def _fields_of_items(answer: Any) -> set[str]:
    if not (isinstance(answer, type) and issubclass(answer, Listed)):
        return set()
    return {
        info.serialization_alias or info.alias or name
        for item in get_args(answer.model_fields["items"].annotation)
        if isinstance(item, type) and issubclass(item, BaseModel)
        for name, info in item.model_fields.items()
    }
