"""Clients that are slow, silent, gone or do not read: real sockets to a real process on a real database."""

import asyncio
import itertools
import json
import os
import resource
import socket
from collections.abc import AsyncIterator, Mapping
from time import perf_counter

import pytest
import pytest_asyncio

from tests.fixtures.databases import Templates
from tests.shared.http.serving import IDLE, Served, answered_in, caller_of, served, spoken

pytestmark = pytest.mark.slow
PORT = 26021
MANY = int(os.environ.get("CROWD", "200"))  # noqa: TID251 - how much a test run is to take on
"""Of each kind of client in the crowd; `CROWD=1000` tries a thousand of each."""
HEAD = b"POST /v1/surveys/park/responses HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
POST = HEAD + b"Content-Length: 9000\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
ENDING = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LARGE = b"GET /static/docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
FIELD = b"x-much: " + b"y" * 1000 + b"\r\n"
SAID: Mapping[str, tuple[tuple[bytes, ...], float]] = {
    "nothing": ((), 0),
    "half a head": ((b"GET / HTTP/1.1\r\nHo",), 0),
    "a head byte by byte": (tuple(bytes([byte]) for byte in b"GET / HTTP/1.1\r\nHost: x"), 0.22),
    "line ends alone": ((b"\r\n",) * 20, 0.22),
    "half a body": ((POST, b'{"id":'), 0),
    "a body byte by byte": ((POST, *(b" ",) * 24), 0.2),
    "a body at twice the pace": ((POST, *(b" " * 900,) * 10), 0.45),
    "garbage": ((b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",), 0),
    "two lengths": ((POST.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + b"0\r\n\r\n",), 0),
    "HTTP/2": ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), 0),
    "a long address": ((b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",), 0),
    "a large head": ((b"GET /livez HTTP/1.1\r\nHost: x\r\n" + FIELD * 40 + b"\r\n",), 0),
    "a head without end": ((b"GET /livez HTTP/1.1\r\nHost: x\r\n", *(FIELD * 9,) * 5), 0.05),
    "a large head that fits": ((b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + FIELD * 30 + b"\r\n",), 0),
    "a WebSocket": ((ENDING.replace(b": close", b": Upgrade, close\r\nUpgrade: websocket"),), 0),
    "a body too large, on and on": ((POST.replace(b"9000", b"90000000"), *(b" " * 900,) * 24), 0.3),
    "one request": ((LIVEZ,), 0),
}


@pytest_asyncio.fixture(scope="module")
async def feedback(templates: Templates) -> AsyncIterator[Served]:
    """A process that serves feedback."""
    database = await templates.clone("feedback")
    async with served(database, PORT) as process:
        yield process
    await templates.drop(database.name)


async def exchange(process: Served, parts: tuple[bytes, ...], pause: float) -> tuple[bytes, float]:
    """What is answered until the connection is closed, and after how long it is."""
    began = perf_counter()
    reader, writer = await process.connect()
    answer = asyncio.create_task(reader.read())
    for part in parts:
        if answer.done():
            break
        writer.write(part)
        await asyncio.wait([answer], timeout=pause)
    said = await asyncio.wait_for(answer, 30)
    writer.close()
    return said, perf_counter() - began


@pytest_asyncio.fixture(scope="module")
async def answers(feedback: Served) -> Mapping[str, tuple[bytes, float]]:
    """What each of those above was answered, all of them at the same time."""
    found = await asyncio.gather(*(exchange(feedback, *said) for said in SAID.values()))
    return dict(zip(SAID, found, strict=True))


class TestOneConnection:
    @pytest.mark.parametrize(
        ("said", "status", "code"),
        [
            ("half a head", 408, "too_slow"),
            ("a head byte by byte", 408, "too_slow"),
            ("half a body", 408, "too_slow"),
            ("a body byte by byte", 408, "too_slow"),
            ("garbage", 400, "not_http"),
            ("two lengths", 400, "not_http"),
            ("HTTP/2", 400, "not_http"),
            ("a long address", 414, "address_too_long"),
            ("a large head", 431, "head_too_large"),
            ("a head without end", 431, "head_too_large"),
        ],
    )
    def test_it_is_told_why_and_closed(
        self, answers: Mapping[str, tuple[bytes, float]], said: str, status: int, code: str
    ) -> None:
        answer, seconds = answers[said]

        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"connection: close" in head
        assert b"content-type: application/problem+json" in head
        problem = json.loads(body)
        assert (problem["status"], problem["code"]) == (status, code)
        assert f"x-request-id: {problem['request_id']}".encode() in head
        assert seconds < 15

    @pytest.mark.parametrize(("said", "most"), [("nothing", 15), ("line ends alone", 15), ("one request", IDLE + 8)])
    def test_who_asks_for_nothing_is_told_nothing(
        self, answers: Mapping[str, tuple[bytes, float]], said: str, most: float
    ) -> None:
        answer, seconds = answers[said]

        assert answer.count(b"HTTP/1.1") <= 1
        assert b"HTTP/1.1 5" not in answer
        assert seconds < most

    @pytest.mark.parametrize("said", ["a large head that fits", "a WebSocket"])
    def test_what_is_within_the_limits_is_answered(self, answers: Mapping[str, tuple[bytes, float]], said: str) -> None:
        assert answers[said][0].startswith(b"HTTP/1.1 200 ")

    def test_a_body_that_comes_at_twice_the_slowest_pace_is_read(
        self, answers: Mapping[str, tuple[bytes, float]]
    ) -> None:
        assert b"broken_json" in answers["a body at twice the pace"][0]

    def test_who_sends_on_after_a_refusal_is_cut_off(self, answers: Mapping[str, tuple[bytes, float]]) -> None:
        answer, seconds = answers["a body too large, on and on"]

        assert answer.startswith(b"HTTP/1.1 413 ")
        assert seconds < 15


CROWD: Mapping[str, bytes] = {
    "silent": b"",
    "half a head": b"GET / HTTP/1.1\r\nx: ",
    "idle": LIVEZ,
    "cut": POST + b'{"id":',
    "not reading": LARGE,
    "half a body": POST + b'{"id":',
}


async def trickle(connections: list[socket.socket]) -> None:
    """One byte more on each connection, every half second, until it is closed at the other end."""
    while connections:
        await asyncio.sleep(0.5)
        for connection in [*connections]:
            try:
                connection.send(b"x")
            except BlockingIOError:
                pass
            except OSError:
                connections.remove(connection)


async def crowd(process: Served, first: bytes, *, cut: bool = False) -> list[socket.socket]:
    """So many of them, a hundred at a time."""
    return [
        connection
        for _ in range(0, MANY, 100)
        for connection in await asyncio.gather(*(spoken(process, first, cut=cut) for _ in range(100)))
    ]


async def test_a_crowd_of_each_holds_no_connection_and_locks_nobody_out(feedback: Served) -> None:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    memory = feedback.megabytes()
    async with caller_of(feedback) as client:
        alone = await answered_in(client, "/v1/surveys/park")
        crowds: dict[str, list[socket.socket]] = {}
        kept: dict[str, float] = {}
        for kind, first in CROWD.items():
            crowds[kind] = await crowd(feedback, first, cut=kind == "cut")
            # Those of this kind have been there for less than the five seconds that the first of them get.
            kept[kind] = await feedback.keeps()
        trickling = asyncio.create_task(trickle([*crowds["half a head"], *crowds["half a body"]]))

        among = feedback.clients()
        beside, grown = await answered_in(client, "/v1/surveys/park"), feedback.megabytes() - memory
        are_dropped = await feedback.has_dropped(all_but=1, seconds=90)
    trickling.cancel()
    for connection in itertools.chain.from_iterable(crowds.values()):
        connection.close()

    assert kept == dict.fromkeys(CROWD, 0)
    assert among > MANY
    assert beside < 10 * alone
    assert grown < 100 + MANY / 3
    assert are_dropped
