"""What a request may be: how large, how long and how slow; enforced here and in serving, told at `GET /v1/limits`."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http import streams
from shared.http.items import MOST_ITEMS
from shared.http.middleware import public_cache
from shared.http.pages import LARGEST_PAGE
from shared.http.rates import rates_of
from shared.http.written import LONGEST_WAIT
from shared.settings import RouteClass

SINGLE = 64 * 1024
BATCH = 2 * 1024 * 1024
"""Bytes that a body may have: for one thing, and for paths ending in `:batch`."""
LARGEST_HEAD = 32 * 1024
"""Bytes that the header fields of a request may have together."""
LONGEST_ADDRESS = 8 * 1024
"""Characters that an address may have with its query."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a connection may stand still, and how many bytes in that time count as moving."""

    seconds: float
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take; the whole head within its time, body and answer a part of them in each."""

    head: Waiting = Waiting(5, at_least=1)
    body: Waiting = Waiting(5, at_least=5_000)
    reading: Waiting = Waiting(30, at_least=8_000)
    idle: int = 75
    """Seconds between two requests of one connection: longer than the proxies before us keep theirs (60 s mostly)."""

    def of(self, stage: str) -> Waiting | None:
        """The patience with what a client is doing."""
        return {"head": self.head, "unwanted": self.head, "body": self.body, "reading": self.reading}.get(stage)


class LimitBodies:
    """Answers 413 as soon as a body is known to be too large, without reading the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives; the error is raised where the body is read, so that it becomes a problem."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        limit = BATCH if scope["path"].endswith(":batch") else SINGLE
        announced = _content_length(scope)
        received, is_whole = 0, False

        async def counted() -> Message:
            nonlocal received, is_whole
            # Announced too large: nothing is read at all.
            if announced > limit:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit)
                is_whole = not message.get("more_body", False)
            elif not is_whole:
                # FastAPI answers 400 to half a body, as if its sender were there to hear it.
                scope["steward.hung_up"] = True
            return message

        await self.app(scope, counted, send)


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_large(limit: int) -> HTTPException:
    # An HTTPException, because FastAPI turns any other error of a body into 400.
    return HTTPException(413, f"A body may have at most {limit // 1024} KiB here; send fewer items at a time.")


class BodyLimits(BaseModel):
    """How large a body may be."""

    single_bytes: int = Field(description="For one thing")
    batch_bytes: int = Field(description="For addresses that end in `:batch`")


class HeadLimits(BaseModel):
    """How large the rest of a request may be."""

    fields_bytes: int = Field(description="All header fields together; beyond, 431")
    address_characters: int = Field(description="The address with its query; beyond, 414")


class ListLimits(BaseModel):
    """How much comes and goes at once."""

    page_items: int = Field(description="The largest `limit` of a list")
    batch_items: int = Field(description="What a batch may hold")


class RateLimit(BaseModel):
    """How often one caller may ask; `RateLimit` on an answer says how much of it is left."""

    routes: RouteClass
    amount: int | None = Field(description="Requests of one caller; null where nothing is counted")
    seconds: int | None = Field(description="In so many seconds")
    counted_by: Literal["principal or address", "principal", "address"]


class StreamLimits(BaseModel):
    """Long polls of the feed, waits for Steward-After, event streams; beyond, 429 `too_many_streams`."""

    per_principal: int
    per_address: int = Field(description="Of callers without a token; IPv6 by /64")
    per_process: int
    seconds: int = Field(description="After which a stream ends")
    steward_after_seconds: int = Field(description="The largest `wait` for Steward-After")


class TimeLimits(BaseModel):
    """How slow a client may be; beyond, 408 where it can still be said, and the connection is closed."""

    head_seconds: float = Field(description="From the connection, or the first byte, to the end of the header fields")
    body_bytes_per_second: int = Field(description="Over any five seconds in which the body is on its way")
    reading_bytes: int = Field(description="That a client must take of an answer in the seconds below")
    reading_seconds: float
    idle_seconds: int = Field(description="Between two requests of one connection")


class Limits(BaseModel):
    """Everything that a request may be refused for."""

    bodies: BodyLimits
    heads: HeadLimits
    lists: ListLimits
    rates: list[RateLimit]
    rates_are_shared: bool = Field(description="Whether all replicas count together; else each of them by itself")
    streams: StreamLimits
    times: TimeLimits


_COUNTED_BY: dict[RouteClass, Literal["principal or address", "principal", "address"]] = {
    "reads": "principal or address",
    "writes": "principal",
    "public_posts": "address",
    "sign_in": "address",
    "feed": "principal",
}
router = APIRouter(tags=["limits"])


@router.get("/v1/limits", summary="Read the limits")
async def read_limits(request: Request, response: Response) -> Limits:
    """What a request may be, and how often one caller may ask, so that a client can stay within it."""
    public_cache(response, 300)
    settings = request.app.state.settings
    rates, patience = rates_of(settings), Patience()
    return Limits(
        bodies=BodyLimits(single_bytes=SINGLE, batch_bytes=BATCH),
        heads=HeadLimits(fields_bytes=LARGEST_HEAD, address_characters=LONGEST_ADDRESS),
        lists=ListLimits(page_items=LARGEST_PAGE, batch_items=MOST_ITEMS),
        rates=[
            RateLimit(
                routes=name,
                amount=rates[name].amount if name in rates else None,
                seconds=rates[name].seconds if name in rates else None,
                counted_by=by,
            )
            for name, by in _COUNTED_BY.items()
        ],
        rates_are_shared=settings.shared_counts is not None,
        streams=StreamLimits(
            per_principal=streams.PER_PRINCIPAL,
            per_address=streams.PER_ADDRESS,
            per_process=streams.IN_ALL,
            seconds=int(streams.LONGEST),
            steward_after_seconds=int(LONGEST_WAIT),
        ),
        times=TimeLimits(
            head_seconds=patience.head.seconds,
            body_bytes_per_second=int(patience.body.at_least // patience.body.seconds),
            reading_bytes=patience.reading.at_least,
            reading_seconds=patience.reading.seconds,
            idle_seconds=patience.idle,
        ),
    )
