"""What the routes of the scorecards have in common: filters, waiting, and how long an answer may be kept."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from services.reporting.facts.domain import Status
from services.reporting.scorecards.domain.asking import AskedPeriod, asked_period
from services.reporting.scorecards.errors import FilterNotUnderstood
from services.reporting.scorecards.queries.stamps import has_reached
from shared.http.auth import UnitScope
from shared.http.middleware import public_cache
from shared.http.sessions import Sessions
from shared.http.written import After, Mark, caught_up
from shared.ids import Key

KEPT_BY_ANYBODY = 15
"""Seconds: a correction is on its way to the reader within that time."""
LONGEST_SEARCH = 200


async def wait_for_mark(after: After, sessions: Sessions) -> None:
    """Answer once the write named in Steward-After is applied here; holds no connection while it waits."""

    async def applied(mark: Mark) -> bool:
        async with sessions() as session, session.begin():
            return await has_reached(session, mark.aggregate_id, mark.version)

    await caught_up(after, applied)


async def period_of(
    period: Annotated[
        str | None,
        Query(
            max_length=30,
            description=(
                "`2019-03` or `2019-03-01`: the period of each indicator's own frequency that contains the day; "
                "`month:`, `quarter:` or `year:` before it: the period of that frequency; `record`: the whole record. "
                "Without it, the latest period with information."
            ),
            examples=["2019-03", "year:2018-04-01", "record"],
        ),
    ] = None,
) -> AskedPeriod | None:
    """The period asked for."""
    return None if period is None else asked_period(period)


def day_of(text: str | None, where: str) -> date | None:
    """A day, or the first of a month, as `period_from` and `period_to` take them."""
    if text is None:
        return None
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        raise FilterNotUnderstood(where, text, "a day (2019-03-01) or a month (2019-03)") from None


def keep_for(response: Response, scope: UnitScope | None) -> None:
    """Anybody may keep what the public sees, for a short while; what a role shows is kept by nobody."""
    if scope is None:
        public_cache(response, KEPT_BY_ANYBODY)
    # The same address shows more to those who sign in, and to those who name a write what came of it: no cache may
    # hand either of them what it kept for somebody else.
    response.headers["Vary"] = "Accept, Accept-Language, Origin, Authorization, Steward-After"


Asked = Annotated[AskedPeriod | None, Depends(period_of)]
Indicators = Annotated[
    list[Key],
    Query(alias="indicator", max_length=20, description="Ids or codes; repeat it for several, the leading one first"),
]
Search = Annotated[
    str | None, Query(max_length=LONGEST_SEARCH, description="Part of a unit's name or code, whatever case and accents")
]
Region = Annotated[Key | None, Query(description="Id or code of a unit above")]
StatusFilter = Annotated[Status | None, Query(alias="status")]
Level = Annotated[str, Query(max_length=64, description="Level of the tree, such as `organisation` or `region`")]
