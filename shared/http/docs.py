"""Pages about the API itself, from our own address alone: documentation, problems, where to start."""

from html import escape
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from markupsafe import Markup
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from shared.errors import ServiceError
from shared.http.middleware import public_cache
from shared.http.problems import RESPONSES, STATUS, NoSuchPath, Problem, all_errors
from shared.ui.render import environment, problem_page

STATIC = "/static/docs"
# Swagger UI writes styles and one script into its page.
_DOCS_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_RETRY = {
    "never": "Sending the same again will not help.",
    "same": "The same request may succeed later.",
    "after_login": "Get a new access token, then send the same again.",
    "smaller": "Send less at a time.",
}


def install(app: FastAPI, *, title: str, description: str) -> None:
    """Add the pages and the way OpenAPI is made."""
    wheel = Path(fastapi_offline.__file__).parent / "static"
    app.mount(STATIC, StaticFiles(directory=wheel), name="docs-static")
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{title}: API",
            swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
            swagger_css_url=f"{STATIC}/swagger-ui.css",
            swagger_favicon_url=f"{STATIC}/favicon.png",
            swagger_ui_parameters={"tryItOutEnabled": True, "validatorUrl": None},
        )
        page.headers["Content-Security-Policy"] = _DOCS_POLICY
        return page

    @router.get("/")
    async def start(request: Request) -> HTMLResponse:
        links = request.app.state.settings.links
        others = "".join(f'<li><a href="{escape(url)}">{escape(name)}</a></li>' for name, url in sorted(links.items()))
        pages = "".join(
            f'<li><a href="{escape(path)}">{escape(text)}</a></li>'
            for path, text in getattr(request.app.state, "pages", {}).items()
        )
        return _page(
            title,
            f"<p>{escape(description)}</p><ul>{pages}"
            '<li><a href="/docs">Documentation, to read and to try</a></li>'
            '<li><a href="/openapi.json">OpenAPI description</a></li>'
            '<li><a href="/problems">What can go wrong</a></li></ul>'
            + (f"<h2>Addresses</h2><ul>{others}</ul>" if others else ""),
        )

    @router.get("/problems")
    async def problems() -> HTMLResponse:
        rows = "".join(
            f'<tr><td><a href="/problems/{code}">{code}</a></td><td>{STATUS[error.kind]}</td>'
            f"<td>{escape(error.title)}</td></tr>"
            for code, error in sorted(catalogue().items())
        )
        return _page("What can go wrong", f"<table><tr><th>Code</th><th>Status</th><th>Meaning</th></tr>{rows}</table>")

    @router.get("/problems/{code}")
    async def problem(code: str) -> HTMLResponse:
        error = catalogue().get(code)
        if error is None:
            raise NoSuchPath("There is no problem with this code.")
        status = f"<p>Status {STATUS[error.kind]}, code <code>{error.code}</code>.</p>"
        return _page(error.title, f"<p>{escape(_first_words(error))}</p><p>{_RETRY[error.retry]}</p>{status}")

    app.include_router(router)
    app.state.problem_page = problem_page
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI documents this as the way


def catalogue() -> dict[str, type[ServiceError]]:
    """Every problem that can be told, by its code."""
    return {error.code: error for error in all_errors()}


def _first_words(error: type[ServiceError]) -> str:
    return " ".join((error.__doc__ or error.title).split("\n\n")[0].split())


def _page(title: str, body: str) -> HTMLResponse:
    # Markup: every text in the body has been escaped by whoever put it there.
    html = environment().get_template("plain.html").render(title=title, body=Markup(body), links={})  # noqa: S704 - as said
    page = HTMLResponse(html)
    public_cache(page, 300)
    return page


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=app.servers,
            tags=app.openapi_tags,
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        definition = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(definition.pop("$defs", {}))
        schemas["Problem"] = definition
        for operation in _operations(schema):
            _describe_errors(operation)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = schema
    return app.openapi_schema


def _operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation
        for path in schema.get("paths", {}).values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]


def _describe_errors(operation: dict[str, Any]) -> None:
    """The errors that every operation of this kind may answer, without each route having to say so."""
    answers = operation["responses"]
    common = [400, 503]
    if "422" in answers or "requestBody" in operation:
        answers.pop("422", None)
        common.append(422)
    if "requestBody" in operation:
        common += [413, 415]
    if operation.get("security"):
        common += [401, 403]
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        common.append(404)
    if any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", ())):
        common += [412, 428]
    for status in common:
        answers.setdefault(str(status), RESPONSES[status])
    answers["default"] = {"description": "Any other failure", "content": RESPONSES[400]["content"]}
    operation["responses"] = dict(sorted(answers.items()))
