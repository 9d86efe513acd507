"""Processes and broker are killed under load; what was acknowledged is compared with what is there."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.demo.answers import SURVEY
from deploy.postgres.bootstrap import url_of
from shared.ids import random_id
from tests.fixtures.ledger import Ledger, Told, faults
from tests.journeys.running import Journey, tile

UNITS = ("RGT", "RTG", "RDE", "RGN")
WAITS = "journey-load"
MONTH = "2018-07-01"
RESPONSES = "responses"


@dataclass
class Load:
    """Clients that retry until they are answered, and write down each acknowledgement."""

    journey: Journey
    ledger: Ledger
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    last: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Per unit, the mark of the last acknowledged write and the numerator it carried."""

    async def measure(self, unit: str) -> None:
        """Record one figure after the other for a unit."""
        async with self.journey.client("goals", "data_provider") as goals:
            numerator = 0
            while not self.stopped.is_set():
                numerator += 1
                body = {
                    "indicator": WAITS,
                    "unit": unit,
                    "period": {"frequency": "month", "start": MONTH},
                    "numerator": str(numerator),
                    "denominator": "100000",
                }
                key = f"{WAITS}-{unit}-{numerator}"
                answer = await insist(goals, "/v1/measurements", body, {"Idempotency-Key": key})
                told = answer.json()
                self.ledger.note(Told(told["id"], unit, told["vintage"]))
                self.last[unit] = (answer.headers["Steward-Written"], numerator)

    async def answer(self) -> None:
        """Answer the survey, one response after the other."""
        async with self.journey.client("feedback") as phone:
            while not self.stopped.is_set():
                body = {"id": str(random_id()), "version": 1, "language": "en", "answers": {"overall": "good"}}
                answer = await insist(phone, f"/v1/surveys/{SURVEY}/responses", body, {})
                self.ledger.note(Told(answer.json()["id"], RESPONSES, 1))


async def insist(client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    """Send until a 201 comes, as a client does whose server may die at any moment."""
    while True:
        try:
            answer = await client.post(path, json=body, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == 201:
            return answer
        assert answer.status_code in {409, 500, 503}, answer.text
        await asyncio.sleep(0.1)


async def killing(journey: Journey) -> int:
    """Kill one part after the other with -9, each as soon as the one before is back; gives how many."""
    parts = ["goals", "goals_worker", "feedback", "feedback_worker", "reporting_worker", "reporting"]
    kafka = ["kafka"] if journey.stack.events == "kafka" else []
    victims = [*kafka, *parts, *kafka, "goals_worker", "feedback_worker", "goals", "reporting_worker"]
    for victim in victims:
        await asyncio.sleep(0.3)
        killed = journey.stack.pids[victim]
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(30):
            await back(journey, victim, killed)
    return len(victims)


async def back(journey: Journey, victim: str, killed: int) -> None:
    """Wait until the ready file names another process for a part: it is written once that answers."""
    file = journey.stack.directory / "ready.json"
    while json.loads(file.read_text())["pids"][victim] in {None, killed}:  # noqa: ASYNC110 - a file tells it
        await asyncio.sleep(0.05)


@asynccontextmanager
async def under_load(journey: Journey, directory: Path) -> AsyncIterator[Load]:
    """Measurements for four units and answers to the survey, on and on until the end of the block."""
    definition = {
        "code": WAITS,
        "name": {"en": "Load"},
        "definition": {"en": "Recorded while everything is being killed."},
        "direction": "increase",
        "unit_of_measure": {"en": "%"},
        "ratio": {"numerator": {"en": "Some"}, "denominator": {"en": "All"}},
        "aggregation_over_time": "pooled_ratio",
        "aggregation_over_units": "pooled_ratio",
        "disclosure_class": "open",
        "frequency": "month",
    }
    async with journey.client("goals", "performance_officer") as goals:
        await insist(goals, "/v1/indicators", definition, {"Idempotency-Key": WAITS})
    with Ledger(directory / "acknowledged") as ledger:
        running = Load(journey, ledger)
        async with asyncio.TaskGroup() as clients:
            for unit in UNITS:
                clients.create_task(running.measure(unit))
            for _ in range(2):
                clients.create_task(running.answer())
            yield running
            running.stopped.set()


async def everything_answers(journey: Journey) -> None:
    """Wait until every service is back and says that it is ready."""
    for service in journey.stack.urls:
        async with journey.client(service) as client:
            async with asyncio.timeout(20):
                while True:
                    try:
                        if (await client.get("/readyz")).status_code == 200:
                            break
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(0.2)


async def vintages(goals: httpx.AsyncClient, unit: str) -> list[Told]:
    """Everything recorded for a unit, oldest first."""
    parameters = {"indicator": WAITS, "unit": unit, "vintages": "all", "limit": "200"}
    found: dict[int, str] = {}
    while True:
        page = (await goals.get("/v1/measurements", params=parameters)).json()
        found |= {item["vintage"]: item["id"] for item in page["items"]}
        if not page["next"]:
            return [Told(found[vintage], unit, vintage) for vintage in sorted(found)]
        parameters["cursor"] = page["next"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_was_acknowledged_survives_every_kill_once_and_in_order(journey: Journey, tmp_path: Path) -> None:
    async with under_load(journey, tmp_path) as load:
        kills = await killing(journey)
        await everything_answers(journey)
        load.stopped.set()
        await asyncio.sleep(1)
        noted = load.ledger.read()

    answers = {told.id for told in noted if told.subject == RESPONSES}
    measured = [told for told in noted if told.subject != RESPONSES]
    async with journey.client("goals", "analyst") as goals, journey.client("reporting") as public:
        found = [told for unit in UNITS for told in await vintages(goals, unit)]
        for unit in UNITS:
            mark, numerator = load.last[unit]
            for _ in range(6):
                # A consumer whose broker was killed needs some seconds to find it again.
                answer = await public.get(
                    f"/v1/scorecards/{unit}", params={"wait": "10"}, headers={"Steward-After": mark}
                )
                if answer.status_code == 200:
                    break
            shown = await tile(public, unit, WAITS)
            assert int(shown["figure"]["numerator"]) >= numerator
    assert kills >= 10
    assert len(measured) > 50
    assert list(faults(measured, found, others_too=True)) == []
    await the_cell_counts_each_answer_once(journey, answers)


async def the_cell_counts_each_answer_once(journey: Journey, acknowledged: set[str]) -> None:
    connection = await asyncpg.connect(url_of(journey.stack.database_url, "feedback"))
    try:
        for _ in range(150):
            if not await connection.fetchval("select count(*) from feedback.scoring_queue"):
                break
            await asyncio.sleep(0.2)
        stored = {str(row["id"]) for row in await connection.fetch("select id from feedback.response")}
        counted = await connection.fetchval("select sum(count) from feedback.score_cell where question_id = 'overall'")
    finally:
        await connection.close()
    assert acknowledged <= stored
    assert counted == len(stored)
