"""The sequencer with its chain, against COPY of the same rows."""

import time

import asyncpg

from deploy.local.stack import Stack
from deploy.postgres.bootstrap import url_of
from shared.clock import current_time
from shared.messaging.sequencer import sequence
from tests.benchmarks.figures import Figure, Side, median_of, rates
from tests.benchmarks.history import write_to_outbox
from tests.benchmarks.processes import halted

EVENTS = 40_000
PER_BATCH = 1_000
_SAME_ROWS = """
create table goals.bench_log (like goals.event_log including indexes)
"""


async def measure_sequencer(stack: Stack) -> list[Figure]:
    """Rows a second from outbox to log, and by COPY into a log with the same indexes, a thousand to a transaction."""
    assert stack.deployment is not None
    login = await asyncpg.connect(stack.deployment.database_urls["goals"], server_settings={"search_path": "goals"})
    owner = await asyncpg.connect(url_of(stack.database_url, "goals"))
    try:
        async with halted(stack, "goals_worker"):
            return [await median_of(lambda: _run(login, owner))]
    finally:
        await login.close()
        await owner.close()


async def _run(login: "asyncpg.Connection[asyncpg.Record]", owner: "asyncpg.Connection[asyncpg.Record]") -> Figure:
    await write_to_outbox(owner, "goals", EVENTS)
    first = await owner.fetchval("select position from goals.log_head")
    began = time.perf_counter()
    count = 0
    while moved := await sequence(login, schema="goals", now=current_time()):
        count += moved
    ours = Side(count, time.perf_counter() - began)
    rows = [tuple(row) for row in await owner.fetch("select * from goals.event_log where position > $1", first)]
    await owner.execute(_SAME_ROWS)
    began = time.perf_counter()
    for start in range(0, len(rows), PER_BATCH):
        await owner.copy_records_to_table("bench_log", schema_name="goals", records=rows[start : start + PER_BATCH])
    copied = Side(len(rows), time.perf_counter() - began)
    await owner.execute("drop table goals.bench_log")
    return rates("sequencer with chain", ours, copied, unit="events/s", goal=0.4, note="against COPY of the same rows")
