"""The log as an HTTP feed: the route that serves it, and the source that follows it."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from shared.clock import current_time
from shared.database import SessionFactory, transaction
from shared.errors import Conflict
from shared.http.auth import Caller, require_whole_body, requires
from shared.http.sessions import Sessions
from shared.http.streams import admitted_stream
from shared.messaging.chain import GENESIS, Head
from shared.messaging.envelope import BATCH_MEDIA_TYPE, Envelope, read_batch, source_of, structured
from shared.messaging.followers import Follower, Notes, note
from shared.messaging.log import LoggedEvent, events_after, hash_at, head_of
from shared.messaging.pace import BUSY, IDLE
from shared.messaging.progress import ForeignLog, Held
from shared.messaging.tables import EventTables
from shared.messaging.wakeups import SEQUENCED, Wakeups, pause

LONGEST_WAIT = 20
_SOON = 2.0
_CONFLICT = 409


class AnotherLog(Conflict):
    """The follower holds a position or hash that this log does not have."""

    code = "another_log"
    title = "This is not the log you have followed"


def feed_router(tables: EventTables) -> APIRouter:
    """`GET /v1/events` of a service."""
    router = APIRouter(tags=["events"])
    notes = Notes()

    @router.get(
        "/v1/events",
        response_class=Response,
        operation_id="follow_events",
        summary="Follow the service's events",
        responses={
            200: {
                "description": "The next events in order, as a CloudEvents batch; empty if none came in time.",
                "content": {BATCH_MEDIA_TYPE: {"schema": {"type": "array", "items": {"type": "object"}}}},
            },
            409: {"description": "The log does not hold that hash at that position: it is not the one followed."},
        },
    )
    async def follow_events(
        request: Request,
        sessions: Sessions,
        caller: Annotated[Caller, requires("events:follow")],
        log: Annotated[UUID | None, Query(description="The log followed so far; leave out at the start.")] = None,
        after: Annotated[int, Query(ge=0, le=2**62, description="The last position applied.")] = 0,
        hash: Annotated[  # noqa: A002 - the name in the interface
            str | None, Query(pattern="^[0-9a-f]{64}$", description="The hash of the event at that position.")
        ] = None,
        follower: Annotated[
            str | None,
            Query(pattern=r"^[a-z0-9._-]{1,64}$", description="Your name: what you hold is remembered under it."),
        ] = None,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for an event.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="At most so many events.")] = 1000,
    ) -> Response:
        """The same events in the same order as on the topic, with unsuppressed numbers: for systems, not for people.

        Ask again with `log`, and with the position and hash of the last event, to go on from there. An event with
        `erased` has lost its data for good: pass over it. What you keep of it, `data.erased` tells you to erase.
        """
        require_whole_body(caller.scope, request.app.state.settings.body)
        hash_ = bytes.fromhex(hash) if hash else None
        if follower is not None and notes.due(follower):
            held = Follower(follower, log, after, hash_, current_time())
            await note(sessions, tables, held, principal=caller.reference)
        head = await _checked(sessions, tables, log_id=log, position=after, hash_=hash_)
        async with admitted_stream(request, caller.reference):
            events = await _waited(
                sessions,
                tables,
                after,
                limit=limit,
                wait=wait,
                wakeups=request.app.state.wakeups,
                stopping=lambda: request.app.state.stopping,
                gone=request.is_disconnected,
            )
        source = source_of(request.app.state.settings.body, tables.schema)
        body = b"[" + b",".join(structured(event, source, log_id=head.log_id) for event in events) + b"]"
        end = max(head.position, events[-1].position if events else 0)
        headers = {"Steward-Log": str(head.log_id), "Steward-Head": str(end), "Cache-Control": "private, no-store"}
        return Response(body, media_type=BATCH_MEDIA_TYPE, headers=headers)

    return router


async def _checked(
    sessions: SessionFactory, tables: EventTables, *, log_id: UUID | None, position: int, hash_: bytes | None
) -> Head:
    async with transaction(sessions) as session:
        head = await head_of(session, tables.log_head)
        if log_id is not None and log_id != head.log_id:
            raise AnotherLog(f"The log here is {head.log_id}, not {log_id}.")
        if position > head.position:
            raise AnotherLog(f"The log ends at position {head.position}, before {position}.")
        if hash_ is not None and hash_ != await hash_at(session, tables.event_log, position):
            raise AnotherLog(f"The event at position {position} has another hash here.")
    return head


async def _waited(
    sessions: SessionFactory,
    tables: EventTables,
    position: int,
    *,
    limit: int,
    wait: float,
    wakeups: Wakeups,
    stopping: Callable[[], bool],
    gone: Callable[[], Awaitable[bool]],
) -> Sequence[LoggedEvent]:
    """The next events, or none when the time is up, this process stops, or who asked has gone.

    No connection is held while waiting.
    """
    started = time.monotonic()
    with wakeups.on(SEQUENCED) as wake:
        while True:
            wake.clear()
            async with transaction(sessions) as session:
                events = await events_after(session, tables.event_log, position, limit=limit)
            elapsed = time.monotonic() - started
            if events or elapsed >= wait or stopping():
                return events
            # Whoever has just applied something will probably find more soon; later, look less often.
            await pause(min(BUSY if elapsed < _SOON else IDLE, wait - elapsed), wake)
            if await gone():
                return []


class Client(Protocol):
    """What a feed is read with: the client of shared.http.client, with the token of this service."""

    async def get(self, url: str, *, params: Any) -> Any:
        """The answer to a request."""
        ...


class FeedSource:
    """A service's feed as a source of events; its client brings the address and the token."""

    def __init__(self, client: Client, url: str, *, service: str, follower: str | None = None) -> None:
        self._client, self._url, self._service = client, url.rstrip("/") + "/v1/events", service
        self._follower = follower
        self.head: int | None = None
        """Where the log ended when the feed was last asked."""

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """The events after what we hold, as soon as there are some."""
        if held is None:
            return await self.after(log_id=None, position=0, hash_=GENESIS, wait=LONGEST_WAIT)
        return await self._holding(held, wait=LONGEST_WAIT)

    async def confirm(self, held: Held) -> bool:
        """Whether the log goes on after what we hold; raises ForeignLog where it does not have that."""
        return bool(await self._holding(held, limit=1))

    async def current(self) -> UUID:
        """The id that the log has now."""
        answer = await self._client.get(self._url, params={"limit": 1})
        answer.raise_for_status()
        return UUID(answer.headers["Steward-Log"])

    async def _holding(self, held: Held, **more: Any) -> Sequence[Envelope]:
        query = {"log": str(held.log_id), "after": held.position, "hash": held.hash.hex(), **more}
        return await self._asked(query if self._follower is None else {**query, "follower": self._follower})

    async def applied(self) -> None:
        """Nothing to tell: the next request names what we hold."""

    async def after(self, *, log_id: UUID | None, position: int, hash_: bytes, wait: float = 0) -> Sequence[Envelope]:
        """The events that follow a position and hash; raises ForeignLog where the log does not hold them."""
        query: dict[str, Any] = {"after": position, "hash": hash_.hex(), "wait": wait}
        if log_id is not None:
            query["log"] = str(log_id)
        return await self._asked(query)

    async def _asked(self, query: dict[str, Any]) -> Sequence[Envelope]:
        answer = await self._client.get(self._url, params=query)
        if answer.status_code == _CONFLICT:
            raise ForeignLog(
                f"The feed of {self._service} answers 409: {answer.json().get('detail', '')} If {self._service} was "
                f"restored: «steward events new-log --service {self._service}», then «steward events rebase»."
            )
        answer.raise_for_status()
        self.head = int(answer.headers.get("Steward-Head", query["after"]))
        return read_batch(answer.content)
