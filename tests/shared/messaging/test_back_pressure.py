"""While too much waits, writes are told to come back later and reads go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from shared.clock import current_time
from shared.ids import new_id
from shared.messaging import back_pressure
from shared.messaging.sequencer import sequence_once
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor, SignsTokens, service_on
from tests.shared.messaging.events import Service, tell, unit_changed

COLLECTOR = "https://www.example.org"
LIMITS: dict[str, Any] = {"most_waiting": "3", "longest_waiting": "PT10M", "collector_origins": [COLLECTOR]}
LOOKS = 0.02


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is long for a test."""
    monkeypatch.setattr(back_pressure, "EVERY", LOOKS)


@asynccontextmanager
async def serving(
    database: Database, issuer_directory: Path, client_for: ClientFor, bearer: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with small limits."""
    async with client_for(service_on(database, issuer_directory, **LIMITS)) as client:
        client.headers["Authorization"] = f"Bearer {bearer}"
        yield client


async def until(status: int, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask until the answer has a status, for a few seconds at most."""
    for _ in range(200):
        answer = await ask()
        if answer.status_code == status:
            return answer
        await asyncio.sleep(LOOKS)
    pytest.fail(f"The answer stayed {answer.status_code}: {answer.text}")


class TestAFullOutbox:
    async def test_writes_are_refused_and_reads_go_on_until_it_is_worked_off(
        self, goals: Service, issuer_directory: Path, client_for: ClientFor, token: SignsTokens
    ) -> None:
        async with serving(goals.database, issuer_directory, client_for, token("administrator")) as client:
            await tell(goals.sessions, goals.tables, *(unit_changed() for _ in range(4)), now=current_time())

            refused = await until(503, lambda: client.post("/v1/units", json={}))
            batch = await client.post("/v1/units:batch", json={})
            change = await client.patch("/v1/units/RF4", json={})
            read = await client.get("/v1/units")
            block = await client.post(f"/v1/principals/{new_id()}:block")
            while await sequence_once(goals.pool, schema="goals", now=current_time()):
                pass
            taken = await until(422, lambda: client.post("/v1/units", json={}))

        problem = refused.json()
        assert (problem["code"], problem["retry"]) == ("too_much_waiting", "same")
        assert "outbox" in problem["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        assert {batch.status_code, change.status_code} == {503}
        assert read.status_code == 200
        assert block.status_code == 404, "whoever floods us can be blocked while it goes on"
        assert taken.status_code == 422

    async def test_as_much_as_may_wait_is_no_reason_to_refuse(
        self, goals: Service, issuer_directory: Path, client_for: ClientFor, token: SignsTokens
    ) -> None:
        await tell(goals.sessions, goals.tables, *(unit_changed() for _ in range(3)), now=current_time())
        async with serving(goals.database, issuer_directory, client_for, token("administrator")) as client:
            await asyncio.sleep(10 * LOOKS)

            assert (await client.post("/v1/units", json={})).status_code == 422

    async def test_one_event_that_waits_too_long_is_enough(
        self, goals: Service, issuer_directory: Path, client_for: ClientFor, token: SignsTokens
    ) -> None:
        await tell(goals.sessions, goals.tables, unit_changed(), now=current_time() - timedelta(minutes=11))
        async with serving(goals.database, issuer_directory, client_for, token("administrator")) as client:
            refused = await until(503, lambda: client.post("/v1/units", json={}))

        assert "longer" in refused.json()["detail"]


class TestAFullScoringQueue:
    async def test_answers_are_refused_and_the_survey_is_still_shown(
        self,
        database: Callable[[str], Awaitable[Database]],
        issuer_directory: Path,
        client_for: ClientFor,
        token: SignsTokens,
    ) -> None:
        feedback = await database("feedback")
        connection = await asyncpg.connect(feedback.url)
        await connection.executemany(
            "insert into scoring_queue (survey_id, response_id) values ($1, $2)",
            [(new_id(), new_id()) for _ in range(4)],
        )
        await connection.close()
        async with serving(feedback, issuer_directory, client_for, token("administrator")) as client:
            client.headers["Origin"] = COLLECTOR
            refused = await until(503, lambda: client.post("/v1/surveys/any/responses", json={}))
            read = await client.get("/v1/surveys/any")

        assert "scoring_queue" in refused.json()["detail"]
        assert refused.headers["access-control-allow-origin"] == COLLECTOR, "its page may read when to try again"
        assert read.status_code == 404
