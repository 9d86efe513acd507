"""Scorecards as JSON."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath

from services.reporting.permissions import RawScope
from services.reporting.schema import LogHead
from services.reporting.scorecards.api.answers import AsOfAnswer, DashboardAnswer, ScorecardAnswer
from services.reporting.scorecards.api.asking import (
    Asked,
    Indicators,
    Level,
    Region,
    Search,
    StatusFilter,
    keep_for,
    wait_for_mark,
)
from services.reporting.scorecards.api.kept import Kept, KeptAround
from services.reporting.scorecards.domain.answers import Dashboard
from services.reporting.scorecards.domain.asking import DashboardFilters
from services.reporting.scorecards.queries.cards import scorecard
from services.reporting.scorecards.queries.dashboards import dashboard
from services.reporting.scorecards.queries.parts import state_of_knowledge
from services.reporting.scorecards.queries.stamps import stamp_of
from shared.http.languages import Languages
from shared.http.pages import Follower, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import RESPONSES
from shared.http.sessions import Reading
from shared.ids import Key

router = APIRouter(
    tags=["scorecards"],
    dependencies=[Depends(wait_for_mark)],
    responses={404: RESPONSES[404], 503: RESPONSES[503]},
)


class DashboardPage(PageSettings):
    """Which part of the units is asked for."""

    sort: str | None = sorted_by("name", "code", "value", "status")


@router.get("/v1/scorecards", response_model=DashboardAnswer, summary="Compare units")
async def list_scorecards(
    session: Reading,
    response: Response,
    scope: RawScope,
    languages: Languages,
    follower: Follower,
    page: Annotated[DashboardPage, Query()],
    period: Asked,
    indicators: Indicators = [],  # noqa: B006 - FastAPI copies defaults
    level: Level = "organisation",
    q: Search = None,
    region: Region = None,
    status: StatusFilter = None,
) -> Dashboard:
    """Units of one level with value, status and period per indicator, and how many units have each status.

    Public for indicators of class open. `sort` takes name, code, value and status; value, status and the filter
    `status` look at the leading indicator.
    """
    filters = DashboardFilters(
        indicators=tuple(indicators),
        level=level,
        q=q,
        region=region,
        status=status,
        period=period,
        sort=page.sort or "name",
        limit=page.limit,
        cursor=page.cursor,
    )
    found = await dashboard(session, filters, languages=languages, scope=scope)
    await say_where_to_follow(response, session, LogHead, follower)
    keep_for(response, scope)
    return found


@router.get("/v1/scorecards/{unit}", response_model=ScorecardAnswer, summary="Read a unit's scorecard")
async def read_scorecard(
    session: Reading,
    scope: RawScope,
    languages: Languages,
    period: Asked,
    kept: Kept,
    around: KeptAround,
    unit: Annotated[Key, InPath(description="Id or code of the unit")],
) -> Response:
    """A tile per indicator: number, target, status with its rule, coverage, history and control chart.

    Public for indicators of class open; with `results:read` also the others of the units it is held for.
    """
    stamp = await stamp_of(session, unit)
    asked = (unit, period, languages, scope)
    written = kept.find(asked, stamp) if stamp else None
    if written is not None:
        known = await state_of_knowledge(session)
    else:
        found = await scorecard(
            session, unit, period=period, languages=languages, scope=scope, stamp=stamp, kept=around
        )
        known = found.as_of
        written = ScorecardAnswer.model_validate(found).model_dump_json(exclude={"as_of"}).encode()
        if stamp:
            kept.keep(asked, stamp, written)
    # How far the logs have been applied moves with every event, and changes nothing else of what stands here.
    as_of = AsOfAnswer.model_validate(known).model_dump_json().encode()
    response = Response(written[:-1] + b',"as_of":' + as_of + b"}", media_type="application/json")
    keep_for(response, scope)
    return response
