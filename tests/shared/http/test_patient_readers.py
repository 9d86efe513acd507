"""Readers that do not read, and callers who wait and hang up: nothing is held for them."""

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from time import perf_counter
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from shared.database import sessions_at, transaction
from shared.http.streams import PER_ADDRESS
from tests.fixtures.databases import Database, Templates
from tests.reporting.told import evaluation, hear, period, small_world
from tests.shared.http.serving import READING, Served, answered_in, caller_of, served, spoken

pytestmark = pytest.mark.slow
PORT = 26031
READERS = 30
DOWNLOAD = b"GET /v1/results.csv HTTP/1.1\r\nHost: x\r\n\r\n"
COPIES = (
    """insert into reporting_read.unit select (jsonb_populate_record(u, jsonb_build_object(
        'id', md5('unit ' || n)::uuid, 'code', 'U' || n))).* from reporting_read.unit u, generate_series(1, 800) n
        where u.code = 'RF4'""",
    """insert into reporting_read.result select (jsonb_populate_record(r, jsonb_build_object(
        'result_id', md5('result ' || n)::uuid, 'unit_id', md5('unit ' || n)::uuid))).*
        from reporting_read.result r, generate_series(1, 800) n""",
    """insert into reporting_read.result_value select (jsonb_populate_record(v, jsonb_build_object(
        'result_id', md5('result ' || n)::uuid, 'period_start', v.period_start + m * interval '1 month'))).*
        from reporting_read.result_value v, generate_series(1, 800) n, generate_series(1, 24) m""",
)


UNHURT = 0.5
"""Seconds: what a busy machine alone may add to an answer of a few milliseconds; who queues waits for many more."""


async def fill(database: Database, *, much: bool = True) -> None:
    """A small body, and some four megabytes of results, all of them open."""
    at = sessions_at(database.url, schema="reporting", application="tests")
    async with at as sessions, transaction(sessions) as session:
        await hear(session, *small_world(["RF4"]), evaluation("RF4", period()))
    admin = await asyncpg.connect(database.admin_url)
    for statement in COPIES if much else ():
        await admin.execute(statement)
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def reporting(templates: Templates) -> AsyncIterator[Served]:
    """A process that serves reporting, with much to download."""
    database = await templates.clone("reporting")
    await fill(database)
    async with served(database, PORT) as process:
        yield process
    await templates.drop(database.name)


class TestReaders:
    async def test_who_downloads_and_does_not_read_holds_no_connection_and_is_cut_off(self, reporting: Served) -> None:
        async with caller_of(reporting) as client:
            alone = await answered_in(client, "/v1/scorecards/RF4")
            readers = [await spoken(reporting, DOWNLOAD) for _ in range(READERS)]
            # On a slow machine the first of them are dropped before the last have got what fits on the way to them.
            is_quiet = await reporting.is_quiet(beside=READERS // 2)
            beside = await answered_in(client, "/v1/scorecards/RF4")
            are_dropped = await reporting.has_dropped(all_but=1, seconds=60)
        for reader in readers:
            reader.close()

        assert is_quiet
        assert beside < max(10 * alone, UNHURT)
        assert are_dropped

    async def test_who_reads_slowly_but_reads_gets_all_of_it(self, reporting: Served) -> None:
        reader, writer = await asyncio.open_connection(sock=narrow(reporting), limit=2**14)
        writer.write(DOWNLOAD.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        came, began, slowly = 0, perf_counter(), 0.0
        while part := await reader.read(2**14):
            came += len(part)
            if (slowly := perf_counter() - began) < READING * 1.2:
                await asyncio.sleep(0.25)
        writer.close()

        assert slowly > READING
        assert came > 3_000_000


def narrow(process: Served) -> socket.socket:
    """A connection on which little is on its way to who does not read it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**15)
    connection.connect(("127.0.0.1", process.port))
    return connection


class TestWaiting:
    async def test_who_hangs_up_waits_no_longer(self, reporting: Served) -> None:
        mark = f"goals/{uuid4()}/1"
        ask = f"GET /v1/scorecards?wait=10 HTTP/1.1\r\nHost: x\r\nSteward-After: {mark}\r\n\r\n".encode()
        # Some more than there are places, since whoever asks below takes one for a moment.
        waiting = await asyncio.gather(*(spoken(reporting, ask) for _ in range(PER_ADDRESS + 20)))

        async with caller_of(reporting) as client:
            for _ in range(40):
                one_more = await client.get("/v1/scorecards", params={"wait": 0.05}, headers={"Steward-After": mark})
                if one_more.status_code == 429:
                    break
            meanwhile = await answered_in(client, "/v1/scorecards/RF4")
            for each in waiting:
                each.close()
            began = perf_counter()
            while True:
                again = await client.get("/v1/scorecards", params={"wait": 0.05}, headers={"Steward-After": mark})
                if again.status_code != 429:
                    break
                await asyncio.sleep(0.1)
            gone_after = perf_counter() - began

        assert (one_more.status_code, one_more.json()["code"]) == (429, "too_many_streams")
        assert one_more.headers["retry-after"] == "5"
        assert again.json()["code"] == "not_caught_up"
        assert gone_after < 8
        assert meanwhile < 5

    async def test_a_hundred_who_wait_slow_nobody_down(self, reporting: Served) -> None:
        ask = f"GET /v1/scorecards?wait=10 HTTP/1.1\r\nHost: x\r\nSteward-After: goals/{uuid4()}/1\r\n\r\n".encode()
        async with caller_of(reporting) as client:
            alone = await answered_in(client, "/v1/scorecards/RF4")
            waiting = await asyncio.gather(
                *(
                    spoken(reporting, ask, source=source)
                    for source in ("127.0.0.2", "127.0.0.3")
                    for _ in range(PER_ADDRESS)
                )
            )
            beside = await answered_in(client, "/v1/scorecards/RF4")
            answered, _, _ = select.select(waiting, [], [], 0)
            is_quiet = await reporting.is_quiet(beside=2 * PER_ADDRESS)
        for each in waiting:
            each.close()

        assert answered == []
        assert beside < max(10 * alone, UNHURT)
        assert is_quiet

    async def test_a_service_that_stops_lets_go_of_who_waits(self, templates: Templates) -> None:
        database = await templates.clone("reporting")
        await fill(database, much=False)
        async with served(database, PORT + 1) as process, caller_of(process) as client:
            headers = {"Steward-After": f"goals/{uuid4()}/1"}
            waiting = asyncio.create_task(client.get("/v1/scorecards", params={"wait": 10}, headers=headers))
            await asyncio.sleep(0.5)
            began = perf_counter()
            process.stop()
            answer = await waiting
            took = perf_counter() - began
        await templates.drop(database.name)

        assert answer.json()["code"] == "not_caught_up"
        assert took < 8
