"""Pages about the API itself, from our own address alone: documentation, problems, where to start."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from shared.errors import ServiceError
from shared.http.describing import describe
from shared.http.languages import Languages
from shared.http.middleware import public_cache
from shared.http.problems import STATUS, all_errors
from shared.http.refusals import NoSuchPath
from shared.http.sign_in.visitors import keep_page, visitor_of
from shared.http.translations import Translation, translation_for
from shared.ui.render import page, problem_page

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
_LINKSET = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
_CATALOGUE = "/.well-known/api-catalog"


def install(app: FastAPI) -> None:
    """Add the pages and the way OpenAPI is made."""
    wheel = Path(fastapi_offline.__file__).parent / "static"
    app.mount(STATIC, StaticFiles(directory=wheel), name="docs-static")
    app.include_router(_pages)
    app.state.problem_page = problem_page
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI documents this as the way


_pages = APIRouter(include_in_schema=False)


@_pages.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The documentation, to read and to try."""
    shown = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title}: API",
        swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{STATIC}/favicon.png",
        swagger_ui_parameters={"tryItOutEnabled": True, "validatorUrl": None},
    )
    shown.headers["Content-Security-Policy"] = _DOCS_POLICY
    return shown


@_pages.get("/", dependencies=[Depends(visitor_of)])
async def start(request: Request) -> HTMLResponse:
    """Where to start."""
    app = request.app
    pages = getattr(app.state, "pages", {})
    shown = page(request, "start.html", title=app.title, description=app.description, pages=pages)
    shown.headers["Link"] = f'<{_CATALOGUE}>; rel="api-catalog"'
    keep_page(request, shown, 300)
    return shown


@_pages.get(_CATALOGUE)
async def api_catalogue(request: Request) -> JSONResponse:
    """RFC 9727: what there is to find out about this API, as a set of links."""
    links = {
        "anchor": "/v1",
        "service-desc": [
            {"href": "/openapi.json", "type": "application/vnd.oai.openapi+json", "title": "OpenAPI: its requests"},
            {"href": "/asyncapi.json", "type": "application/vnd.aai.asyncapi+json", "title": "AsyncAPI: its events"},
        ],
        "service-doc": [{"href": "/docs", "type": "text/html"}, {"href": "/problems", "type": "text/html"}],
        "status": [{"href": "/readyz", "type": "application/json"}],
    }
    answer = JSONResponse({"linkset": [links]}, media_type=_LINKSET, headers={"Link": f'<{_CATALOGUE}>; rel="self"'})
    public_cache(answer, 300)
    return answer


@_pages.get("/problems")
async def problems(request: Request, languages: Languages) -> HTMLResponse:
    """Every problem that can be told."""
    words = translation_for(languages)
    told = [(error, STATUS[error.kind], words.title(error)) for _, error in sorted(catalogue().items())]
    return _kept(page(request, "problems.html", problems=told, language=words.language), words)


@_pages.get("/problems/{code}")
async def problem(code: str, request: Request, languages: Languages) -> HTMLResponse:
    """What one problem means, and whether the same request is worth another try."""
    error = catalogue().get(code)
    if error is None:
        raise NoSuchPath("There is no problem with this code.")
    words = translation_for(languages)
    shown = page(
        request,
        "problem.html",
        error=error,
        answered=STATUS[error.kind],
        title=words.title(error),
        meaning=_first_words(error),
        retry=words.sentence(_RETRY[error.retry]),
        language=words.language,
    )
    return _kept(shown, words)


def catalogue() -> dict[str, type[ServiceError]]:
    """Every problem that can be told, by its code."""
    return {error.code: error for error in all_errors()}


def _first_words(error: type[ServiceError]) -> str:
    return " ".join((error.__doc__ or error.title).split("\n\n")[0].split())


def _kept(shown: HTMLResponse, words: Translation | None = None) -> HTMLResponse:
    public_cache(shown, 300)
    if words is not None:
        shown.headers["Content-Language"] = words.language
    return shown
