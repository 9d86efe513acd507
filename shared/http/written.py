"""Read your writes: a write says what it wrote, a read may ask to be answered only once that is applied."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import Unavailable
from shared.http.concurrency import set_etag
from shared.http.refusals import BadRequest
from shared.http.streams import TooManyStreams, admitted_stream
from shared.messaging.wakeups import pause

LONGEST_WAIT = 10.0
MOST_MARKS = 20
"""So many fit into the address of a page with room to spare."""
_GONE = 0.25
"""Seconds between two looks whether whoever waits is still there."""
_WRITTEN = re.compile(r"^([a-z]{1,32})/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([0-9]{1,18})$")


class NotCaughtUp(Unavailable):
    """What you wrote has not arrived here yet; ask again with the same Steward-After."""

    code = "not_caught_up"
    title = "Not caught up yet"
    retry_after = 1


class BadMark(BadRequest):
    """Steward-After holds something that no Steward-Written ever said."""

    code = "bad_steward_after"
    title = "Steward-After cannot be read"


@dataclass(frozen=True, slots=True)
class Mark:
    """A version of an aggregate that a service has written, and how long the caller is ready to wait for it."""

    service: str
    aggregate_id: UUID
    version: int
    wait: float
    request: Request = field(compare=False)
    """What it came with: whoever waits takes a place among the streams, and who has hung up waits no longer."""


def written(service: str, aggregate_id: UUID, version: int) -> str:
    """What Steward-Written says."""
    return f"{service}/{aggregate_id}/{version}"


def set_written(response: Response, service: str, aggregate_id: UUID, version: int) -> None:
    """Tell the caller what to send in Steward-After to read this write."""
    response.headers["Steward-Written"] = written(service, aggregate_id, version)


def tell_version(response: Response, service: str, aggregate_id: UUID, version: int) -> None:
    """Tell the version that was written: as the ETag for the next change, and for reading it elsewhere."""
    set_etag(response, version)
    set_written(response, service, aggregate_id, version)


async def read_mark(
    request: Request,
    steward_after: Annotated[
        str | None,
        Header(
            alias="Steward-After",
            description="Answer only once this write is applied here: the Steward-Written of an earlier answer",
            examples=["goals/0197f0c0-0000-7000-8000-000000000001/3"],
            json_schema_extra={"pattern": _WRITTEN.pattern, "maxLength": 100},
        ),
    ] = None,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for Steward-After before 503 not_caught_up")
    ] = 0.0,
) -> Mark | None:
    """The write that the caller wants to see, or None where it does not mind."""
    return None if steward_after is None else _mark(steward_after, wait, request)


async def read_marks(
    request: Request, after: Annotated[Sequence[str], Query(max_length=MOST_MARKS)] = ()
) -> tuple[Mark, ...]:
    """The writes that a visitor of a page comes from, as its address names them: `?after=goals/<id>/3`."""
    return tuple(_mark(one, LONGEST_WAIT, request) for one in after)


def _mark(text: str, wait: float, request: Request) -> Mark:
    if (matched := _WRITTEN.match(text.strip())) is None:
        raise BadMark("Steward-After takes one value of Steward-Written, such as goals/<id>/3.")
    try:
        return Mark(matched[1], UUID(matched[2]), int(matched[3]), wait, request)
    except ValueError as error:
        raise BadMark("The id in Steward-After is not a UUID.") from error


After = Annotated[Mark | None, Depends(read_mark)]
Marks = Annotated[tuple[Mark, ...], Depends(read_marks)]


async def caught_up(after: Mark | None, applied: Callable[[Mark], Awaitable[bool]]) -> None:
    """Wait until `applied` says yes, at most as long as the caller allows and stays; then NotCaughtUp.

    `applied` opens a short session of its own each time: nothing is held while this waits. It says the same of a mark
    to everybody: of all who wait for one, one asks it.
    """
    if after is None or await applied(after):
        return
    loop, request = asyncio.get_running_loop(), after.request
    late = NotCaughtUp(f"Version {after.version} of {after.aggregate_id} has not arrived here yet.")
    until = loop.time() + min(after.wait, LONGEST_WAIT)
    if not after.wait:
        raise late
    write = (after.service, after.aggregate_id, after.version)
    async with admitted_stream(request):
        with request.app.state.awaited.awaited(write, lambda: applied(after)) as has_arrived:
            while (
                (now := loop.time()) < until and not request.app.state.stopping and not await request.is_disconnected()
            ):
                await pause(min(_GONE, until - now), has_arrived)
                if has_arrived.is_set():
                    return
    raise late


async def arrived(marks: Sequence[Mark], applied: Callable[[Mark], Awaitable[bool]]) -> bool:
    """Wait for all of them together, and say whether they are here: a page is shown either way."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_WAIT
    try:
        for mark in marks:
            await caught_up(replace(mark, wait=max(0.0, until - loop.time())), applied)
    except (NotCaughtUp, TooManyStreams):
        return False
    return True
