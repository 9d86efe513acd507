"""`fields=`: an answer with only what the caller asked for of it, or of each item of its list."""

import json
from collections import Counter
from typing import Any, get_args

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import FieldError
from shared.http.refusals import BadRequest

FIELDS = "fields"
_ASKED = "steward.fields"


class BadFields(BadRequest):
    """The address answers with no such field, or the field is named twice."""

    code = "bad_fields"
    title = "The fields cannot be chosen so"


def fields_of(route: APIRoute) -> list[str]:
    """What `fields=` takes of a route: the fields of the model that it answers with, or those of its list's items."""
    answer = route.response_model
    if route.methods != {"GET"} or not _is_model(answer):
        return []
    listed = answer.model_fields.get("items")
    models = [answer] if listed is None else [item for item in get_args(listed.annotation) if _is_model(item)]
    return sorted(
        info.serialization_alias or info.alias or name for model in models for name, info in model.model_fields.items()
    )


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def ask_for_fields(request: Request, route: APIRoute) -> None:
    """Remember for this request which fields it wants; refuse those that the route's answer does not have."""
    wanted = request.query_params.get(FIELDS) if request.scope["query_string"] else None
    if wanted is None:
        return
    known = fields_of(route)
    names = Counter(name.strip() for name in wanted.split(","))
    if unknown := sorted(set(names).difference(known)):
        accepted = ", ".join(known) or "nothing: this address answers with no fields to choose from"
        errors = [FieldError(where="query fields", accepted=accepted, sent=name[:100]) for name in unknown]
        raise BadFields("What this address answers with has no such field.", errors)
    if twice := sorted(name for name, times in names.items() if times > 1):
        errors = [FieldError(where="query fields", accepted="each field once", sent=name) for name in twice]
        raise BadFields("A field was asked for twice.", errors)
    request.scope[_ASKED] = set(names)


class NarrowAnswers:
    """Leaves out of a good answer what was not asked for; nothing else waits for its end, or is read again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the answer back until it is whole, where a part of it was asked for."""
        if scope["type"] != "http" or not scope["query_string"]:
            await self.app(scope, receive, send)
            return
        started: Message | None = None
        body = bytearray()

        async def narrowed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and message["status"] == 200 and _ASKED in scope:
                started = message
                return
            if started is None or message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                short = _only(scope[_ASKED], bytes(body))
                MutableHeaders(raw=started["headers"])["content-length"] = str(len(short))
                await send(started)
                await send({"type": "http.response.body", "body": short})

        await self.app(scope, receive, narrowed)


def _only(asked: set[str], body: bytes) -> bytes:
    whole = json.loads(body)
    if "items" in whole:
        whole["items"] = [_chosen(asked, item) for item in whole["items"]]
    else:
        whole = _chosen(asked, whole)
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _chosen(asked: set[str], whole: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name in asked}
