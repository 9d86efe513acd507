"""Measurement events applied to the read model, against decoding and copying them to a bare table."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack

import asyncpg

from deploy.local.stack import Stack
from deploy.postgres.bootstrap import url_of
from shared.contracts import MeasurementRecorded
from tests.benchmarks.figures import Figure, Side, median_of, rates
from tests.benchmarks.history import write_to_outbox

EVENTS = 50_000
BATCH = 5_000
_BARE = """
create table reporting_read.bench_bare (
    series_id uuid, frequency text, period_start date, vintage integer, source text,
    value numeric, numerator numeric, denominator numeric
)
"""


async def measure_consumption(stack: Stack) -> list[Figure]:
    """Events a second that reporting applies live, alone and beside a reader that stays long."""
    goals = await asyncpg.connect(url_of(stack.database_url, "goals"))
    read_side = await asyncpg.connect(url_of(stack.database_url, "reporting"))
    try:
        name = f"measurements applied by reporting ({stack.events})"
        alone = await median_of(lambda: _run(stack, goals, read_side, name))
        async with AsyncExitStack() as open_:
            reader = await asyncpg.connect(url_of(stack.database_url, "reporting"))
            open_.push_async_callback(reader.close)
            async with reader.transaction(isolation="repeatable_read", readonly=True):
                await reader.fetchval("select count(*) from reporting_read.recorded_vintage")
                beside = await _run(stack, goals, read_side, f"{name}, beside a long reader")
        return [alone, beside]
    finally:
        await goals.close()
        await read_side.close()


async def _run(
    stack: Stack,
    goals: "asyncpg.Connection[asyncpg.Record]",
    read_side: "asyncpg.Connection[asyncpg.Record]",
    name: str,
) -> Figure:
    worker = stack.pids["reporting_worker"]
    assert worker is not None
    os.kill(worker, signal.SIGSTOP)
    try:
        first = await _position(read_side, "reporting")
        await write_to_outbox(goals, "goals", EVENTS)
        await _until_sent(goals, stack)
        await _until_others_have_it(stack, goals)
        last = await goals.fetchval("select position from goals.log_head")
        began = time.perf_counter()
        os.kill(worker, signal.SIGCONT)
        while await _position(read_side, "reporting") < last:  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.02)
        ours = Side(last - first, time.perf_counter() - began)
    finally:
        os.kill(worker, signal.SIGCONT)
    bare = await _decode_and_copy(goals, read_side, first)
    return rates(name, ours, bare, unit="events/s", goal=0.6, note="against decode and COPY into a bare table")


async def _decode_and_copy(
    goals: "asyncpg.Connection[asyncpg.Record]", read_side: "asyncpg.Connection[asyncpg.Record]", first: int
) -> Side:
    query = "select data from goals.event_log where position > $1 and type = $2"
    texts = [row["data"] for row in await goals.fetch(query, first, MeasurementRecorded.type)]
    await read_side.execute(_BARE)
    began = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        events = [MeasurementRecorded.model_validate_json(text) for text in texts[start : start + BATCH]]
        records = [
            (
                event.series_id,
                value.period.frequency,
                value.period.start,
                value.vintage,
                event.source,
                value.value,
                value.numerator,
                value.denominator,
            )
            for event in events
            for value in event.values
        ]
        await read_side.copy_records_to_table("bench_bare", schema_name="reporting_read", records=records)
    side = Side(len(texts), time.perf_counter() - began)
    await read_side.execute("drop table reporting_read.bench_bare")
    return side


async def _position(connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> int:
    query = f"select position from {schema}.progress where source = 'goals' order by position desc limit 1"
    return await connection.fetchval(query) or 0


async def _until_others_have_it(stack: Stack, goals: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait for the other follower of the log: it would take processor and feed from the one that is measured."""
    last = await goals.fetchval("select position from goals.log_head")
    other = await asyncpg.connect(url_of(stack.database_url, "feedback"))
    try:
        while await _position(other, "feedback") < last:  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.05)
    finally:
        await other.close()


async def _until_sent(goals: "asyncpg.Connection[asyncpg.Record]", stack: Stack) -> None:
    """Wait until everything has its place in the log, and on the topic where there is one."""
    waiting = "select exists (select from goals.outbox)"
    if stack.events == "kafka":
        waiting += " or (select min(position) from goals.cursor) < (select position from goals.log_head)"
    while await goals.fetchval(waiting):  # noqa: ASYNC110 - other processes make it true
        await asyncio.sleep(0.05)
