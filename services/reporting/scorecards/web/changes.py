"""The stream that tells an open scorecard that newer numbers are here."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.reporting.permissions import PageScope
from services.reporting.scorecards.queries.stamps import watchable
from services.reporting.scorecards.web.watching import WatchedScorecards
from shared.clock import current_time
from shared.http.event_stream import HEARTBEAT, STILL_HERE, EventStream, event
from shared.http.sessions import Sessions
from shared.http.sign_in.visitors import Visiting, still_signed_in
from shared.ids import Key
from shared.messaging.wakeups import pause

router = APIRouter(include_in_schema=False)


@router.get("/scorecards/{unit}/changes", response_class=EventStream)
async def scorecard_changes(
    request: Request,
    visitor: Visiting,
    scope: PageScope,
    sessions: Sessions,
    unit: Key,
    seen: Annotated[str, Query(pattern="^([0-9a-f]{32})?$")] = "",
) -> EventStream:
    """Says `changed` once the results differ from those the page was made of (`seen`), `ended` with the session."""
    async with sessions() as session, session.begin():
        what = await watchable(session, unit, scope)
    watching: WatchedScorecards = request.app.state.watched_scorecards

    async def words() -> AsyncGenerator[bytes, None]:
        async with watching.watched(what) as (watch, wake):
            while not request.app.state.stopping:
                wake.clear()
                if watch.state is not None and watch.state != seen:
                    yield event("changed")
                    return
                await pause(HEARTBEAT, wake)
                if wake.is_set():
                    continue
                # Shielded from a listener who leaves meanwhile: a look that is cut off would cost a connection.
                if visitor.session is not None and not await asyncio.shield(still_signed_in(request, current_time())):
                    yield event("ended")
                    return
                yield STILL_HERE

    return EventStream(request, words, caller=visitor.identity.reference if visitor.identity else None)
