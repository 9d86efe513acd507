"""The OpenAPI document of a service: what FastAPI reads off the routes, with what is true of all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from shared.http.auth import Offered, Permitted
from shared.http.fields import FIELDS, fields_of
from shared.http.pages import FOLLOW
from shared.http.problems import MEDIA_TYPE, RESPONSES, Problem

_LICENCE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_SMALL = 2**31 - 1


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once for an application."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=app.servers,
            license_info=_LICENCE,
            contact={"name": "The body that runs this deployment"},
        )
        routes = _routes(app)
        components = document.setdefault("components", {})
        _define_problems(components.setdefault("schemas", {}))
        for name, operation in _operations(document):
            _describe_fields(operation, fields_of(routes[name]))
            _describe_who_may(operation, routes[name])
            _describe_parameters(operation)
            _describe_answers(name.split()[0], operation, follows=_may_follow(routes[name]))
        _share_answers(document)
        _share_parameters(document)
        told = {name for _, operation in _operations(document) for name in _headers_of(document, operation)}
        components["headers"] = {name: header for name, header in _HEADERS.items() if name in told}
        _be_exact(document)
        document["tags"] = _tags(document, getattr(app.state, "tags", {}))
        app.openapi_schema = document
    return app.openapi_schema


def _routes(app: FastAPI) -> Mapping[str, APIRoute]:
    """Each route under its method and path."""
    return {
        f"{method} {context.path}": route
        for context in iter_route_contexts(app.routes)
        if isinstance(route := context.original_route, APIRoute)
        for method in context.methods or ()
    }


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _define_problems(schemas: dict[str, Any]) -> None:
    definition = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(definition.pop("$defs", {}))
    schemas["Problem"] = definition
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _describe_fields(operation: dict[str, Any], fields: list[str]) -> None:
    if not fields:
        return
    parameter = {
        "name": FIELDS,
        "in": "query",
        "description": f"Only these fields, of each item where it is a list, with commas between: {', '.join(fields)}",
        "style": "form",
        "explode": False,
        "schema": {
            "type": "array",
            "items": {"type": "string", "enum": fields},
            "minItems": 1,
            "maxItems": len(fields),
            "uniqueItems": True,
            "examples": [fields[:1]],
        },
    }
    operation.setdefault("parameters", []).append(parameter)


def _describe_parameters(operation: dict[str, Any]) -> None:
    """A parameter is sent or left out, never null; one that says nothing of itself is a key, or a filter."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        if len(kinds) == 1:
            parameter["schema"] = {**kinds[0], **{name: each for name, each in schema.items() if name != "anyOf"}}
        by_itself = "Its id, or its code where it has one" if parameter["in"] == "path" else "Only those with this"
        parameter.setdefault("description", by_itself)


def _describe_who_may(operation: dict[str, Any], route: APIRoute) -> None:
    """A public operation that shows more to some takes a token, and does without one."""
    asked = {type(call) for call in calls_of(route.dependant)}
    if Offered in asked and Permitted not in asked:
        operation["security"] = [*operation.get("security", []), {}]


def _may_follow(route: APIRoute) -> bool:
    """Whether its answer says to some callers where the feed goes on."""
    return any(isinstance(call, Offered) and call.permission == FOLLOW for call in calls_of(route.dependant))


def calls_of(dependant: Dependant) -> Iterator[Any]:
    """A route's function and everything that it depends on."""
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def _describe_answers(method: str, operation: dict[str, Any], *, follows: bool) -> None:
    """The errors and headers that every operation of this kind may answer, without each route having to say so."""
    answers, parameters = operation["responses"], operation.get("parameters", [])
    common = {400, 429, 500, 503}
    if "422" in answers or "requestBody" in operation:
        answers.pop("422", None)
        common.add(422)
    if "requestBody" in operation:
        common |= {413, 415}
    if operation.get("security"):
        common |= {401, 403}
    if any(parameter["in"] == "path" for parameter in parameters):
        common.add(404)
    for parameter in parameters:
        if parameter["name"] == "If-Match":
            # The route answers 428 itself, with words of its own: FastAPI would call it invalid input.
            parameter["required"] = True
            common |= {412, 428}
    for status in common:
        answers.setdefault(str(status), RESPONSES[status])
    answers["default"] = {"description": "Any other failure", "content": RESPONSES[400]["content"]}
    operation["responses"] = dict(sorted(answers.items()))
    told = ["X-Request-Id", "RateLimit", "RateLimit-Policy"]
    for status, answer in operation["responses"].items():
        retry = ("Retry-After",) if status in ("429", "503") else ()
        names = [*told, *retry, *(_WRITTEN if status in ("200", "201") and method != "GET" else ())]
        names += ["Steward-Cursor"] if follows and status == "200" else []
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        operation["responses"][status] = {**answer, "headers": {**headers, **answer.get("headers", {})}}


_HEADERS: dict[str, Any] = {
    "X-Request-Id": {"description": "Quote it when you report a problem", "schema": {"type": "string"}},
    "RateLimit": {"description": "What is left of the caller's limits, and until when", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "The limits that hold for the caller", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds until the same request is worth another try",
        "schema": {"type": "integer"},
    },
    "ETag": {"description": "The version: send it in If-Match with a change", "schema": {"type": "string"}},
    "Location": {"description": "Where what was made is found", "schema": {"type": "string"}},
    "Steward-Cursor": {
        "description": "For callers with events:follow: where the feed goes on from what this list shows",
        "schema": {"type": "string"},
    },
    "Steward-Written": {"description": "Send it in Steward-After to read this write", "schema": {"type": "string"}},
}
_WRITTEN = ("ETag", "Location", "Steward-Written")
_NAMES = {
    "400": "CannotBeRead",
    "401": "NotSignedIn",
    "403": "NotAllowed",
    "404": "NotFound",
    "409": "Conflict",
    "410": "Gone",
    "412": "ChangedSince",
    "413": "TooLarge",
    "415": "WrongMediaType",
    "422": "NotAccepted",
    "428": "VersionMissing",
    "429": "TooMany",
    "500": "OurFault",
    "503": "NotNow",
    "default": "AnyOther",
}


def _share_answers(document: dict[str, Any]) -> None:
    """Errors that read the same wherever they are told are described once."""
    shared = document["components"].setdefault("responses", {})
    for _, operation in _operations(document):
        for status, answer in operation["responses"].items():
            name = _NAMES.get(status)
            if (
                name is not None
                and MEDIA_TYPE in answer.get("content", {})
                and shared.setdefault(name, answer) == answer
            ):
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _share_parameters(document: dict[str, Any]) -> None:
    """Parameters that several operations take in the same words are described once."""
    met = Counter(repr(parameter) for _, operation in _operations(document) for parameter in _parameters(operation))
    shared = document["components"].setdefault("parameters", {})
    for _, operation in _operations(document):
        for place, parameter in enumerate(_parameters(operation)):
            name = parameter["name"]
            if met[repr(parameter)] > 1 and shared.setdefault(name, parameter) == parameter:
                operation["parameters"][place] = {"$ref": f"#/components/parameters/{name}"}


def _parameters(operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(operation.get("parameters", ()))


def _be_exact(schema: Any) -> None:
    """Say in every schema what a generated client wants to know: how wide a number is, which keys an object takes."""
    if isinstance(schema, list):
        for each in schema:
            _be_exact(each)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "integer":
        schema.setdefault("format", "int32" if schema.get("maximum", _SMALL + 1) <= _SMALL else "int64")
    if "patternProperties" in schema:
        schema.setdefault("additionalProperties", False)
    for name, each in schema.items():
        if name not in ("example", "examples", "default", "const", "enum"):
            _be_exact(each)


def _headers_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    shared = document["components"]["responses"]
    for answer in operation["responses"].values():
        yield from shared[answer["$ref"].rsplit("/")[-1]]["headers"] if "$ref" in answer else answer["headers"]


def _tags(document: Mapping[str, Any], described: Mapping[str, str]) -> list[dict[str, str]]:
    used = dict.fromkeys(tag for _, operation in _operations(document) for tag in operation.get("tags", ()))
    return [{"name": tag, "description": described.get(tag, tag.capitalize())} for tag in used]
