"""How events travel is switched on a system that lives: from feeds to Kafka and back, and each goes on."""

import asyncio
import tempfile
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.kafka import missing_tools
from deploy.local.stack import Events, Stack
from deploy.postgres.bootstrap import url_of
from tests.fixtures.lanes import leave_out
from tests.journeys.conftest import free_base

UNITS = 12


async def add_units(stack: Stack, prefix: str) -> set[str]:
    """Units added one by one; their codes."""
    headers = {"Authorization": f"Bearer {stack.tokens['administrator']}"}
    async with httpx.AsyncClient(base_url=stack.urls["goals"], headers=headers, timeout=30, trust_env=False) as goals:
        root = (await goals.get("/v1/body")).json()["root_unit"]
        codes = {f"{prefix}-{number}" for number in range(UNITS)}
        for code in sorted(codes):
            unit = {"code": code, "name": {"en": code}, "parent": root, "level": "organisation"}
            answer = await goals.post("/v1/units", json=unit)
            assert answer.status_code == 201, answer.text
        return codes


async def arrived(stack: Stack, codes: set[str]) -> set[str]:
    """The units that reporting knows, once all of these are among them or half a minute is over."""
    reporting = await asyncpg.connect(url_of(stack.database_url, "reporting"))
    known: set[str] = set()
    for _ in range(300):
        known = {row["code"] for row in await reporting.fetch("select code from reporting_read.unit")}
        if codes <= known:
            break
        await asyncio.sleep(0.1)
    await reporting.close()
    return known


async def follows_one_log_with_nothing_set_aside(stack: Stack) -> bool:
    """Whether reporting has one progress row for goals, whichever way its events came, and no dead letter."""
    reporting = await asyncpg.connect(url_of(stack.database_url, "reporting"))
    rows = await reporting.fetchval("select count(*) from reporting.progress where source = 'goals'")
    set_aside = await reporting.fetchval("select count(*) from reporting.dead_letter")
    await reporting.close()
    return bool(rows == 1 and set_aside == 0)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_each_switch_goes_on_where_the_other_way_has_come_to() -> None:
    if missing := missing_tools():
        leave_out(missing)
    base, told = free_base(), set[str]()
    modes: list[Events] = ["feed", "kafka", "feed"]
    with tempfile.TemporaryDirectory(prefix="steward-switched-") as directory:
        for number, mode in enumerate(modes):
            stack = Stack(events=mode, data_dir=Path(directory), port_base=base)
            try:
                await stack.start()
                # What was written just before everything stopped comes the other way.
                assert told <= await arrived(stack, told)
                told |= await add_units(stack, f"{mode}-{number}")
                assert told <= await arrived(stack, told)
                assert await follows_one_log_with_nothing_set_aside(stack)
                told |= await add_units(stack, f"{mode}-{number}-last")
            finally:
                await stack.stop()
