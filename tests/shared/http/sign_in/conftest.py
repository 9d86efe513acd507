"""Reporting, with pages planted that ask for a permission or offer more for one, and a browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from shared.http.auth import Caller, UnitScope
from shared.http.sign_in.visitors import csrf_field, keep_page, page_offers, page_requires
from shared.ui.render import page
from tests.fixtures.databases import Database, Templates
from tests.fixtures.doubles import Clock
from tests.fixtures.signing_in import Browser, BrowserFor, LocalIssuer

Reader = Annotated[Caller, page_requires("results:read")]
Follower = Annotated[Caller, page_requires("events:follow")]
Offer = Annotated[UnitScope | None, page_offers("results:read")]
planted = APIRouter(include_in_schema=False)


@planted.get("/desk")
async def desk(request: Request, caller: Reader) -> HTMLResponse:
    """A page with a form, for readers."""
    return _page(request, f"Desk for {', '.join(sorted(caller.scope.codes)) or 'everywhere'}", csrf_field(request))


@planted.post("/desk")
async def send_desk(request: Request, caller: Reader) -> HTMLResponse:
    """Where its form goes."""
    return _page(request, "Taken")


@planted.get("/lobby")
async def lobby(request: Request, scope: Offer) -> HTMLResponse:
    """A page for everybody, with more for readers."""
    shown = _page(request, "Lobby" if scope is None else "Lobby for readers")
    keep_page(request, shown, 5)
    return shown


@planted.get("/machines")
async def machines(request: Request, caller: Follower) -> HTMLResponse:
    """A page for a role that no person has."""
    return _page(request, "Machines")


def _page(request: Request, title: str, text: str = "") -> HTMLResponse:
    return page(request, "error.html", problem={"title": title, "detail": text, "code": "none"})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of service and issuer alike."""
    clock = Clock(datetime.now(UTC))  # noqa: TID251 - HTTP clients and key caches live in real time
    for module in ("shared.http.sessions", "shared.http.tokens", "deploy.local.issuer", "deploy.local.issuer_sign_in"):
        monkeypatch.setattr(f"{module}.current_time", clock)
    return clock


@pytest_asyncio.fixture(scope="session")
async def reporting_database(templates: Templates) -> AsyncIterator[Database]:
    """One for all of these tests: each has browsers, and so sessions, of its own."""
    own = await templates.clone("reporting")
    yield own
    await templates.drop(own.name)


@pytest_asyncio.fixture
async def app(reporting_database: Database, local_issuer: LocalIssuer, clock: Clock) -> FastAPI:
    """The service."""
    app = local_issuer.service_on(reporting_database)
    app.include_router(planted)
    return app


@pytest_asyncio.fixture
async def browser(app: FastAPI, browser_for: BrowserFor) -> Browser:
    """A browser with no cookies yet."""
    return await browser_for(app)
