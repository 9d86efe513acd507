"""The dashboard of all units and the scorecard of one, as pages that need no script.

Public for open indicators; whoever signs in sees the others of the units that a role is for.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from services.reporting.directory.queries import the_body
from services.reporting.facts.domain import Status
from services.reporting.permissions import PageScope
from services.reporting.scorecards.domain.answers import STATUSES
from services.reporting.scorecards.domain.asking import DashboardFilters, asked_period
from services.reporting.scorecards.errors import FilterNotUnderstood
from services.reporting.scorecards.queries.cards import scorecard
from services.reporting.scorecards.queries.dashboards import dashboard
from services.reporting.scorecards.queries.periods import periods_with_figures
from services.reporting.scorecards.queries.stamps import has_reached, state_of_results, watchable
from services.reporting.scorecards.web import views
from services.reporting.scorecards.web.tiles import tile_view
from shared.http.languages import Languages
from shared.http.sessions import Reading, Sessions
from shared.http.sign_in.visitors import keep_page
from shared.http.written import Mark, Marks, arrived, written
from shared.ui.render import page

router = APIRouter(include_in_schema=False)
MOST_UNITS = 1000
"""Units on one page: a reader searches and compares a whole list better than pieces of it."""
SECONDS_KEPT = 5
SORTS = ("name", "-name", "code", "-code", "value", "-value", "status", "-status")


async def filters(
    q: Annotated[str, Query(max_length=200)] = "",
    region: Annotated[str, Query(max_length=64)] = "",
    status: str = "",
    period: Annotated[str, Query(max_length=40)] = "",
    indicator: Annotated[Sequence[str], Query(max_length=8)] = (),
    level: Annotated[str, Query(max_length=64)] = "",
    sort: str = "",
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> DashboardFilters:
    """The form as it was sent: an empty field means no filter."""
    return DashboardFilters(
        indicators=tuple(key for key in indicator if key),
        level=level or "organisation",
        q=q.strip() or None,
        region=region or None,
        status=_status(status),
        period=asked_period(period) if period else None,
        sort=_sort(sort),
        limit=MOST_UNITS,
        cursor=cursor,
    )


def _status(sent: str) -> Status | None:
    known = next((status for status in STATUSES if status == sent), None)
    if sent and known is None:
        raise FilterNotUnderstood("status", sent, f"one of {', '.join(STATUSES)}")
    return known


def _sort(sent: str) -> str:
    if sent and sent not in SORTS:
        raise FilterNotUnderstood("sort", sent, f"one of {', '.join(SORTS)}")
    return sent or "name"


@router.get("/scorecards", response_class=HTMLResponse)
async def dashboard_page(
    request: Request,
    session: Reading,
    scope: PageScope,
    asked: Annotated[DashboardFilters, Depends(filters)],
    languages: Languages,
    period: str = "",
) -> HTMLResponse:
    """All units side by side."""
    board = await dashboard(session, asked, languages=languages, scope=scope)
    lead = board.columns[0].indicator if board.columns else None
    body = await the_body(session)
    say = views.Speaker(board.languages)
    known = await periods_with_figures(session, lead.id) if lead else []
    answer = page(
        request,
        "dashboard.html",
        board=board,
        asked=asked,
        address=views.asked(asked, period),
        period=period,
        periods=[views.choice(each) for each in known],
        say=say,
        shares=views.shares(board),
        columns=views.columns_with_something(board),
        judged=views.columns_with_status(board),
        views=views,
        closed=views.closed(column.indicator for column in board.columns),
        body_name=say.text(body.name),
    )
    keep_page(request, answer, SECONDS_KEPT)
    return answer


async def all_arrived(marks: Marks, sessions: Sessions) -> bool:
    """Whether what the visitor comes from writing is applied here; waits for it, and holds no connection meanwhile."""

    async def applied(mark: Mark) -> bool:
        async with sessions() as session, session.begin():
            return await has_reached(session, mark.aggregate_id, mark.version)

    return await arrived(marks, applied)


@router.get("/scorecards/{unit}", response_class=HTMLResponse)
async def scorecard_page(
    request: Request,
    marks: Marks,
    is_here: Annotated[bool, Depends(all_arrived)],
    session: Reading,
    scope: PageScope,
    unit: str,
    languages: Languages,
    period: str = "",
) -> HTMLResponse:
    """Everything that the visitor may know of one unit, with what they have just written where `after` names that."""
    asked = asked_period(period) if period else None
    card = await scorecard(session, unit, period=asked, languages=languages, scope=scope)
    say = views.Speaker(card.languages)
    known = await periods_with_figures(session, card.tiles[0].indicator.id) if card.tiles else []
    answer = page(
        request,
        "scorecard.html",
        card=card,
        tiles=[tile_view(tile, say) for tile in card.tiles],
        period=period,
        own_address=views.address(request.url.path, period=period),
        written=[written(mark.service, mark.aggregate_id, mark.version) for mark in marks],
        is_here=is_here,
        state=await state_of_results(session, *await watchable(session, unit, scope)),
        periods=[views.choice(each) for each in known],
        children=sorted(card.children, key=lambda child: say.text(child.name).casefold()),
        say=say,
        views=views,
        closed=views.closed(tile.indicator for tile in card.tiles),
        body_name=say.text((card.parents[0] if card.parents else card.unit).name),
    )
    if not marks:
        keep_page(request, answer, SECONDS_KEPT)
    return answer
