"""A scorecard of a hundred indicators, against a primary-key look-up of the same bytes, in ever larger read models."""

import asyncio
from itertools import count
from typing import Any

import asyncpg

from deploy.local.stack import Stack
from deploy.postgres.bootstrap import url_of
from tests.benchmarks.clients import Act, alternately, repeat
from tests.benchmarks.doors import CONTENT
from tests.benchmarks.figures import Figure, Side, judged, latencies, median_of
from tests.benchmarks.processes import door
from tests.benchmarks.raw_http import Connection

INDICATORS, MONTHS = 100, 12
SIZES = {"1 k": 10, "100 k": 1_000, "1 M": 10_000}
"""Units, each with a series of every indicator."""
SECONDS, CONNECTIONS = 6.0, 4
_ASKED = count()
"""Goes on from run to run: what one has asked for is kept, and would not be made anew for the next."""

_FOUNDED = "select exists (select from reporting_read.body) and exists (select from reporting_read.calendar)"
_INDICATORS = """
insert into reporting_read.indicator (id, code, name, definition, direction, unit_of_measure, decimals,
    aggregation_over_time, aggregation_over_units, disclosure_class, calendar_id, frequency, version)
select gen_random_uuid(), 'bench-' || n, jsonb_build_object('en', 'Indicator ' || n),
    jsonb_build_object('en', 'What indicator ' || n || ' means'), 'increase', '{"en": "%"}', 1, 'mean', 'mean', 'open',
    (select id from reporting_read.calendar), 'month', 1
from generate_series(1, $1) n
"""
_UNITS = """
insert into reporting_read.unit (id, code, name, parent_id, level, valid_from, search, sorting, version)
select gen_random_uuid(), 'bench-' || n, jsonb_build_object('en', 'Unit ' || n),
    (select root_unit_id from reporting_read.body), 'organisation', '2016-04-01', 'bench ' || n, '{"en": "u"}', 1
from generate_series($1::integer, $2) n
"""
_RESULTS = """
insert into reporting_read.result (result_id, series_id, indicator_id, unit_id, disaggregation, inputs_version,
    evaluated_at, rule_set, version)
select gen_random_uuid(), gen_random_uuid(), i.id, u.id, '{}', 1, now(), '{"name": "bench", "version": 1}', 1
from reporting_read.indicator i, reporting_read.unit u
where i.code like 'bench-%' and u.code like 'bench-%' and substr(u.code, 7)::integer between $1 and $2
"""
# The first ten units have a year; a month of each of the others is enough to make the tables large.
_VALUES = """
insert into reporting_read.result_value (result_id, frequency, period_start, indicator_id, value, obs_status, reported,
    expected, held_back, target_derived, status, status_rule, version)
select r.result_id, 'month', ('2018-04-01'::date + make_interval(months => m))::date, r.indicator_id,
    round((90 + 10 * random())::numeric, 2), 'A', 1, 1, 0, false, 'no_information', 'no_target', 1
from reporting_read.result r join reporting_read.unit u on u.id = r.unit_id,
    generate_series(0, case when substr(u.code, 7)::integer <= 10 then $3::integer - 1 else 0 end) m
where u.code like 'bench-%' and substr(u.code, 7)::integer between $1 and $2
"""


async def measure_scorecards(stack: Stack) -> list[Figure]:
    """Kept and made anew, at each size."""
    owner: Any = await asyncpg.connect(url_of(stack.database_url, "reporting"))
    figures: list[Figure] = []
    smallest: dict[str, Figure] = {}
    units = 0
    try:
        while not await owner.fetchval(_FOUNDED):  # noqa: ASYNC110 - the worker makes it true
            await asyncio.sleep(0.1)
        await owner.execute(f"create table reporting.{CONTENT} (key text primary key, body text not null)")
        await owner.execute(f"grant select on reporting.{CONTENT} to reporting")
        await owner.execute(_INDICATORS, INDICATORS)
        for size, wanted in SIZES.items():
            await owner.execute(_UNITS, units + 1, wanted, timeout=600)
            await owner.execute(_RESULTS, units + 1, wanted, timeout=600)
            await owner.execute(_VALUES, units + 1, wanted, MONTHS, timeout=600)
            units = wanted
            await owner.execute("vacuum analyze", timeout=600)
            for figure in await _at(stack, owner, size):
                kind = figure.name.rpartition(",")[0]
                first = smallest.setdefault(kind, figure)
                figures.append(figure)
                if first is not figure:
                    flat = Figure(f"{kind}, {size} against 1 k", figure.ours, "ms", reference=first.ours)
                    figures.append(judged(Figure(**{**flat.as_json(), "goal": 1.3, "at_most": True})))
    finally:
        await owner.close()
    return figures


async def _at(stack: Stack, owner: Any, size: str) -> list[Figure]:
    async with door("reporting", stack) as port:
        async with Connection("127.0.0.1", port) as connection:
            _, _, body = await connection.request("GET", "/v1/scorecards/bench-1")
        await owner.execute(
            f"insert into reporting.{CONTENT} values ('card', $1) on conflict (key) do update set body = $1",
            body.decode(),
        )
        note = f"{len(body) // 1024} KiB, against a primary-key look-up of the same bytes"

        async def kept() -> Figure:
            ours, reference = await _sides(port, _get("/v1/scorecards/bench-1"))
            return latencies(f"scorecard as kept, {size} series", ours, reference, share=0.5, goal=2, note=note)

        async def anew() -> Figure:
            ours, reference = await _sides(port, _each_anew())
            return latencies(f"scorecard made anew, {size} series", ours, reference, share=0.5, goal=None, note=note)

        return [await median_of(kept), await median_of(anew)]


async def _sides(port: int, act: Act) -> list[Side]:
    return await alternately(
        lambda seconds: repeat(port, act, connections=CONNECTIONS, seconds=seconds),
        lambda seconds: repeat(port, _get("/reference/content/card"), connections=CONNECTIONS, seconds=seconds),
        seconds=SECONDS,
    )


def _get(path: str, headers: dict[str, str] | None = None) -> Act:
    async def act(connection: Connection) -> int:
        status, _, body = await connection.request("GET", path, headers=headers)
        assert status == 200, body
        return 1

    return act


def _each_anew() -> Act:
    """Reading the scorecards of ten units, in languages that nobody has asked for before: none of them is kept."""

    async def act(connection: Connection) -> int:
        asked = next(_ASKED)
        language = "".join(chr(ord("a") + asked // 26**power % 26) for power in range(3))
        return await _get(f"/v1/scorecards/bench-{asked % 10 + 1}", {"Accept-Language": language})(connection)

    return act
