"""Pages: one Jinja environment for every service, with what each page has in common."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from jinja2.utils import missing

from shared.ui.static_files import static_url

HERE = Path(__file__).parent
SERVICES = HERE.parents[1] / "services"


class _Lenient(ChainableUndefined):
    """Empty where a macro asks for a parameter nobody gave; an error where our own page misspells a value."""

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None, *rest: Any) -> None:
        super().__init__(hint, obj, name, *rest)
        if is_dataclass(obj):
            self._fail_with_undefined_error()


@cache
def environment() -> Environment:
    """Shared templates, those of each capability's web/ folder, and the macros of the component wheel."""
    folders = [HERE / "templates", *sorted(SERVICES.glob("*/*/web/templates"))]
    made = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(folders),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        undefined=_Lenient,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static_url
    made.filters["instant"] = instant
    made.filters["day"] = day
    return made


def instant(at: datetime) -> str:
    """An instant as a reader understands it: `24 November 2026, 17:31 UTC`."""
    return f"{day(at.astimezone(UTC))}, {at.astimezone(UTC):%H:%M} UTC"


def day(of: date) -> str:
    """A day as a reader understands it: `24 November 2026`."""
    return f"{of.day} {of:%B %Y}"


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """A whole page from a template.

    `links` holds the public address of each service, as the settings say; `visitor` whoever looks at the page, where
    the page asks for that.
    """
    settings = getattr(request.app.state, "settings", None)
    links: Mapping[str, str] = getattr(settings, "links", {})
    html = (
        environment()
        .get_template(template)
        .render(
            {
                "request": request,
                "path": request.url.path,
                "links": links,
                "visitor": getattr(request.state, "visitor", None),
                **context,
            }
        )
    )
    return HTMLResponse(html, status, headers)


def problem_page(request: Request, problem: Mapping[str, Any]) -> HTMLResponse:
    """A problem document as a person reads it, with its status."""
    return page(request, "error.html", status=problem["status"], problem=problem)
