"""How a service stands, for those who look after it: as JSON, and in words."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.http.auth import Caller, require_whole_body, requires
from shared.http.sessions import Now, Reading
from shared.http.sign_in.visitors import page_requires
from shared.messaging.state import Followed, PartState, State, Waitings, nothing_waits, state_of
from shared.messaging.tables import EventTables
from shared.ui.render import page

ANCHORED_WITHIN = timedelta(days=2)
"""Twice the day after which a worker anchors the log again."""
LATE = timedelta(seconds=10)
"""After so long an event that waits for its position, for Kafka or to be applied is worth a sentence."""
StatusReader = Annotated[Caller, requires("status:read")]


class _Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LogStatus(_Told):
    """The service's own log, and what waits before it."""

    position: int = Field(description="The last position of the log")
    recorded_at: datetime = Field(description="When that event was recorded; 1970 before the first one")
    waiting: int = Field(description="Events that are written and have no position yet")
    oldest: datetime | None = Field(description="When the oldest of those was written")
    published: int | None = Field(description="Up to which position Kafka has the log; null where nothing was sent")
    anchored: int | None = Field(description="Up to which position a signed head was sent out; null where none was")
    anchored_at: datetime | None = Field(description="When that was done")


class FollowingStatus(_Told):
    """Another that follows this log, as far as it said when it last asked the feed."""

    follower: str = Field(description="Its name")
    position: int = Field(description="The last position that it has applied")
    behind: int = Field(description="Events of this log that it has not applied")
    asked_at: datetime = Field(description="When it last asked")


class FollowedStatus(_Told):
    """The log of another service, as far as this one has applied it."""

    source: str = Field(description="The service that is followed")
    position: int = Field(description="The last position applied")
    recorded_at: datetime = Field(description="When that event was recorded")
    head: int | None = Field(description="Where that log ended when its owner last said so; null until it has")
    behind: int | None = Field(description="Events not applied yet; null while the end is unknown")
    state: PartState = Field(description="Whether it runs; `stopped` waits for an operator, `failing` tries again")
    reason: str | None = Field(description="Why it has stopped or fails")


class PartStatus(_Told):
    """Another part of the worker."""

    name: str = Field(description="Such as `sequencer` or `publisher`")
    state: PartState = Field(description="Whether it runs; `stopped` waits for an operator, `failing` tries again")
    alive_at: datetime = Field(description="When it last said that it is alive")
    reason: str | None = Field(description="Why it has stopped or fails")


class SetAsideStatus(_Told):
    """Events of one type that could not be applied and wait for an operator."""

    source: str = Field(description="The service that told them")
    type: str = Field(description="Their type")
    count: int = Field(description="How many wait")
    oldest: datetime = Field(description="When the first of them was set aside")


class WaitingStatus(_Told):
    """Work of the service that waits for its worker."""

    name: str = Field(description="Its name in metrics")
    title: str = Field(description="What it is, in words")
    count: int = Field(description="How much of it waits")


class ServiceStatus(BaseModel):
    """How the service stands."""

    service: str = Field(description="The service")
    as_of: datetime = Field(description="When it was read; everything here is of that one moment")
    attention: list[str] = Field(description="What somebody should look at, in words; empty when all is well")
    log: LogStatus
    followed: list[FollowedStatus]
    parts: list[PartStatus]
    followers: list[FollowingStatus]
    set_aside: list[SetAsideStatus]
    waiting: list[WaitingStatus]


def status_routes(tables: EventTables, waitings: Waitings = nothing_waits) -> APIRouter:
    """`GET /v1/status`, and the page `/status`."""
    router = APIRouter(tags=["status"])

    @router.get("/v1/status", operation_id="read_status", summary="How the service stands")
    async def read_status(request: Request, caller: StatusReader, session: Reading, now: Now) -> ServiceStatus:
        """What waits, how far behind every follower is, what was set aside, and what has stopped and why."""
        require_whole_body(caller.scope, request.app.state.settings.body)
        return await status_of(session, tables, waitings, now=now)

    @router.get("/status", include_in_schema=False, response_class=HTMLResponse)
    async def status_page(
        request: Request, caller: Annotated[Caller, page_requires("status:read")], session: Reading, now: Now
    ) -> HTMLResponse:
        """The same for people."""
        require_whole_body(caller.scope, request.app.state.settings.body)
        return page(request, "status.html", told=await status_of(session, tables, waitings, now=now))

    return router


async def status_of(session: AsyncSession, tables: EventTables, waitings: Waitings, *, now: datetime) -> ServiceStatus:
    """How a service stands at a moment."""
    state = await state_of(session, tables, now=now)
    return ServiceStatus(
        service=tables.schema,
        as_of=now,
        attention=list(concerns(state, now=now)),
        log=LogStatus.model_validate(state.log),
        followed=[FollowedStatus.model_validate(each) for each in state.followed],
        parts=[PartStatus.model_validate(each) for each in state.parts],
        followers=[FollowingStatus.model_validate(each) for each in state.followers],
        set_aside=[SetAsideStatus.model_validate(each) for each in state.set_aside],
        waiting=[WaitingStatus.model_validate(each) for each in await waitings(session)],
    )


def concerns(state: State, *, now: datetime) -> Iterator[str]:
    """What somebody should look at, a sentence each."""
    running = [part for part in state.parts if part.state != "not running"]
    if not running:
        yield "No worker runs: nothing is numbered, sent, applied or computed."
    for part in running:
        if part.state != "running":
            yield f"The {part.name} {_trouble(part.state, part.reason)}"
    yield from _of_log(state, now)
    for each in state.followed:
        yield from _of_followed(each, now)
    if count := sum(each.count for each in state.set_aside):
        yield f"{_events(count)} set aside as not applicable; what they are about shows as «update held back»."


def _of_log(state: State, now: datetime) -> Iterator[str]:
    log = state.log
    if log.oldest is not None and _is_late(log.oldest, now):
        waited = (now - log.oldest).total_seconds()
        yield f"{_events(log.waiting)} waiting for a place in the log, the oldest for {waited:.0f} seconds."
    if state.runs("publisher") and (log.published or 0) < log.position and _is_late(log.recorded_at, now):
        yield f"Kafka has the log up to position {log.published or 0}; it ends at {log.position}."
    if state.runs("anchor") and log.unanchored_since is not None and now - log.unanchored_since > ANCHORED_WITHIN:
        yield f"The log has gone on since {log.unanchored_since:%Y-%m-%d %H:%M} UTC without a signed head sent out."


def _of_followed(each: Followed, now: datetime) -> Iterator[str]:
    if each.state == "stopped":
        yield f"The log of {each.source} is no longer applied: {each.reason}"
    elif each.state == "failing":
        yield f"Applying the log of {each.source} fails and is tried again: {each.reason}"
    elif each.state == "not running":
        yield f"Nobody applies the log of {each.source}: no worker runs."
    if each.behind and _is_late(each.recorded_at, now):
        yield f"{_events(each.behind)} not applied yet that {each.source} has told."


def _trouble(state: PartState, reason: str | None) -> str:
    return f"has stopped: {reason}" if state == "stopped" else f"fails and is started again: {reason}"


def _is_late(since: datetime, now: datetime) -> bool:
    return now - since > LATE


def _events(count: int) -> str:
    return "1 event is" if count == 1 else f"{count} events are"
