"""What waits is counted for each caller and in all, ends after its time, and gives its place back."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.types import Message

from shared.http.event_stream import EventStream, event
from shared.http.streams import IN_ALL, LONGEST, PER_ADDRESS, PER_PRINCIPAL, Streams, TooManyStreams, admitted_stream
from shared.ui.static_files import static_url
from tests.fixtures.leaving import Leaving


def request_from(address: str, streams: Streams) -> Request:
    """A request as a route has it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.streams = streams
    return Request({"type": "http", "app": app, "client": (address, 1), "headers": []})


async def places(streams: Streams, address: str, caller: UUID | None = None) -> int:
    """How many streams somebody can open before one is refused; all of them are left open."""
    request, opened = request_from(address, streams), 0
    while True:
        try:
            await admitted_stream(request, caller).__aenter__()
        except TooManyStreams:
            return opened
        opened += 1


class TestPlaces:
    async def test_a_principal_an_address_and_all_together_have_so_many(self) -> None:
        streams = Streams()

        assert await places(streams, "192.0.2.1", uuid4()) == PER_PRINCIPAL == 5
        assert await places(streams, "192.0.2.1") == PER_ADDRESS == 50
        assert sum([await places(streams, f"198.51.100.{each}") for each in range(20)]) == 500 - 55
        assert len(streams) == IN_ALL == 500

    async def test_the_addresses_of_a_household_count_together(self) -> None:
        streams = Streams()

        assert await places(streams, "2001:db8:1:2::1") == PER_ADDRESS
        assert await places(streams, "2001:db8:1:2::9") == 0
        assert await places(streams, "2001:db8:1:3::1") == PER_ADDRESS

    async def test_a_place_is_given_back_even_by_who_fails(self) -> None:
        streams = Streams(in_all=1)
        with pytest.raises(RuntimeError):
            async with admitted_stream(request_from("192.0.2.1", streams)):
                raise RuntimeError

        assert await places(streams, "192.0.2.2") == 1

    async def test_a_stream_ends_after_a_quarter_of_an_hour_as_if_it_were_finished(self) -> None:
        streams = Streams()
        async with admitted_stream(request_from("192.0.2.1", streams), longest=0.05):
            await asyncio.Event().wait()

        assert len(streams) == 0
        assert LONGEST == 15 * 60

    async def test_a_timeout_of_its_own_is_no_end_of_it(self) -> None:
        with pytest.raises(TimeoutError):
            async with admitted_stream(request_from("192.0.2.1", Streams())):
                raise TimeoutError


class TestEventStreams:
    async def test_it_takes_a_place_until_its_listener_has_left(self, tiny: FastAPI) -> None:
        listener, begun, closed = Leaving(), asyncio.Event(), asyncio.Event()

        async def words() -> AsyncGenerator[bytes, None]:
            try:
                yield event("first")
                begun.set()
                await asyncio.Event().wait()
            finally:
                closed.set()

        @tiny.get("/v1/listen")
        async def listen(request: Request) -> EventStream:
            return EventStream(request, words)

        streams: Streams = tiny.state.streams
        listening = asyncio.create_task(listener.get(tiny, "/v1/listen", "", {}))
        await asyncio.wait_for(begun.wait(), 10)
        assert len(streams) == 1

        listener.left.set()
        await asyncio.wait_for(listening, 10)
        assert closed.is_set()
        assert len(streams) == 0

    async def test_who_finds_no_place_is_told_so_before_anything_is_said(
        self, tiny: FastAPI, client: httpx.AsyncClient
    ) -> None:
        @tiny.get("/v1/listen")
        async def listen(request: Request) -> EventStream:
            return EventStream(request, no_words)

        tiny.state.streams = Streams(in_all=0)
        answer = await client.get("/v1/listen")

        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")
        assert answer.headers["retry-after"] == "5"


async def no_words() -> AsyncGenerator[bytes, None]:
    """A stream that has nothing to say."""
    return
    yield b""


async def test_who_is_cut_off_within_a_body_is_no_fault_of_ours(tiny: FastAPI) -> None:
    def counted() -> tuple[float, float]:
        labels = {"service": "tiny", "method": "POST", "route": "/v1/answers", "status": "499"}
        return (
            REGISTRY.get_sample_value("steward_request_seconds_count", labels) or 0.0,
            REGISTRY.get_sample_value("steward_request_failures_total", {"service": "tiny"}) or 0.0,
        )

    said: Iterator[Message] = iter(
        [{"type": "http.request", "body": b'{"id":', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(said)

    async def send(message: Message) -> None:
        """Nobody is there."""

    before = counted()
    headers = [(b"host", b"steward.test"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/answers", "raw_path": b"/v1/answers", "headers": headers}
    await tiny(
        {**scope, "http_version": "1.1", "scheme": "http", "query_string": b"", "client": ("192.0.2.1", 1)},
        receive,
        send,
    )

    assert counted() == (before[0] + 1, before[1])


@pytest.mark.parametrize("query", ["", "?", "?anything", "?v=000000000000", "&more"])
async def test_a_static_file_is_kept_for_a_year_only_under_its_own_digest(
    client: httpx.AsyncClient, query: str
) -> None:
    own = static_url("steward.css")
    other = own + query if query.startswith("&") else own.partition("?")[0] + query

    assert "max-age=31536000" in (await client.get(own)).headers["cache-control"]
    assert (await client.get(other)).headers["cache-control"] == "public, max-age=3600"
