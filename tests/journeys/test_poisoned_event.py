"""An event that cannot be applied is set aside, shown as held back, and mended by a replay; later ones go on."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from deploy.postgres.bootstrap import url_of
from tests.journeys.running import Journey, tile

POISON = "42.42"
INDICATOR = "ae-admissions"


@asynccontextmanager
async def a_fault_in_reporting(journey: Journey) -> AsyncIterator[None]:
    """As long as it lasts, reporting's table refuses one value, as a faulty release of ours might."""
    connection = await asyncpg.connect(url_of(journey.stack.database_url, "reporting"))
    try:
        await connection.execute(
            f"alter table reporting_read.result_value add constraint fault check (value <> {POISON}) not valid"
        )
        yield
        await connection.execute("alter table reporting_read.result_value drop constraint fault")
    finally:
        await connection.close()


async def record(journey: Journey, unit: str, value: str) -> str:
    """Record a figure of April 2016 and give the mark to wait for."""
    body = {
        "indicator": INDICATOR,
        "unit": unit,
        "period": {"frequency": "month", "start": "2016-04-01"},
        "value": value,
    }
    async with journey.client("goals", "data_provider") as goals:
        answer = await goals.post("/v1/measurements", json=body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Steward-Written"]


def events(journey: Journey, *arguments: str) -> str:
    """What a `steward events` command prints."""
    command = [sys.executable, "-m", "deploy.cli.main", "events", *arguments]
    command += ["--service", "reporting", "--data-dir", str(journey.stack.directory)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


async def test_one_is_set_aside_the_others_go_on_and_a_replay_mends_it(journey: Journey) -> None:
    async with journey.client("reporting") as public:
        async with a_fault_in_reporting(journey):
            await record(journey, "RF4", POISON)
            later = await record(journey, "RJ1", "1234")

            healthy = await tile(public, "RJ1", INDICATOR, period="2016-04", wait=10, headers={"Steward-After": later})
            held = await tile(public, "RF4", INDICATOR, period="2016-04")
            page = (await public.get("/scorecards/RF4", params={"period": "2016-04"})).text
            letters = await asyncio.to_thread(events, journey, "dead-letters", "--json")

        await asyncio.to_thread(events, journey, "replay")
        mended = await tile(public, "RF4", INDICATOR, period="2016-04")

    assert healthy["figure"]["value"] == "1234"
    assert not healthy["held_back"]
    assert held["held_back"]
    assert held["figure"]["value"] != POISON
    assert "update held back" in page.lower()
    assert "evaluation.made" in letters
    assert not mended["held_back"]
    assert mended["figure"]["value"] == POISON
