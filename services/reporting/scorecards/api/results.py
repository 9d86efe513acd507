"""Every number as CSV."""

from asyncio import Semaphore
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import StreamingResponse

from services.reporting.permissions import RawScope
from services.reporting.scorecards.api.asking import (
    Asked,
    Indicators,
    Region,
    Search,
    StatusFilter,
    day_of,
    keep_for,
    wait_for_mark,
)
from services.reporting.scorecards.domain.asking import ResultFilters
from services.reporting.scorecards.formats.results_csv import heading, lines
from services.reporting.scorecards.queries.results import Export, checked_export, stream_results
from shared.contracts.goals.measurements import Frequency
from shared.database import SessionFactory
from shared.http.languages import Languages
from shared.http.problems import RESPONSES
from shared.http.sessions import Sessions
from shared.ids import Key

router = APIRouter(tags=["results"], dependencies=[Depends(wait_for_mark)])
Day = Annotated[str | None, Query(max_length=10, examples=["2018-04", "2018-04-01"])]


@router.get(
    "/v1/results.csv",
    response_class=StreamingResponse,
    summary="Download the numbers",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "UTF-8 with a heading, RFC 4180"},
        404: RESPONSES[404],
        503: RESPONSES[503],
    },
)
async def download_results(
    request: Request,
    sessions: Sessions,
    scope: RawScope,
    languages: Languages,
    period: Asked,
    indicators: Indicators = [],  # noqa: B006 - FastAPI copies defaults
    unit: Annotated[Key | None, Query(description="Id or code of one unit")] = None,
    level: Annotated[str | None, Query(max_length=64, description="Level of the tree")] = None,
    q: Search = None,
    region: Region = None,
    status: StatusFilter = None,
    frequency: Annotated[Frequency | None, Query(description="Periods of one frequency; without it, of all")] = None,
    period_from: Day = None,
    period_to: Day = None,
) -> StreamingResponse:
    """One row per unit, indicator and period: names, number, target, status and coverage.

    Public for indicators of class open. Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    filters = ResultFilters(
        indicators=tuple(indicators),
        unit=unit,
        level=level,
        q=q,
        region=region,
        status=status,
        frequency=frequency,
        period=period,
        period_from=day_of(period_from, "period_from"),
        period_to=day_of(period_to, "period_to"),
    )
    async with sessions() as session, session.begin():
        export = await checked_export(session, filters, languages=languages, scope=scope)
    response = StreamingResponse(
        _csv(sessions, export, request.app.state.streams.turn),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="results.csv"'},
    )
    keep_for(response, scope)
    return response


async def _csv(sessions: SessionFactory, export: Export, turn: Semaphore) -> AsyncIterator[str]:
    yield heading()
    chunks = stream_results(sessions, export)
    while True:
        # Downloads take turns, so that thirty of them leave connections to those who ask for a scorecard.
        async with turn:
            rows = await anext(chunks, None)
        if rows is None:
            return
        yield lines(rows, export.languages)
