"""The feed: the same events as on the topic, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from cloudevents.core.formats.json import JSONFormat
from fastapi import FastAPI
from sqlalchemy.event import listen

from services.goals.schema import EVENT_TABLES
from shared.contracts import UnitChanged
from shared.database import pool_for
from shared.ids import new_id
from shared.messaging.chain import GENESIS
from shared.messaging.envelope import BATCH_MEDIA_TYPE
from shared.messaging.feed import FeedSource
from shared.messaging.progress import ForeignLog
from shared.messaging.sequencer import sequence_once
from tests.fixtures.leaving import Leaving
from tests.fixtures.services import AppFor, ClientFor, SignsTokens
from tests.shared.messaging.events import NOW, tell, unit_changed, whole_log


@pytest.fixture
async def goals_app(app_for: AppFor) -> FastAPI:
    """The goals service on a database of its own."""
    return await app_for("goals")


@pytest.fixture
async def client(goals_app: FastAPI, client_for: ClientFor, token: SignsTokens) -> AsyncIterator[httpx.AsyncClient]:
    """A follower."""
    async with client_for(goals_app) as client:
        client.headers["Authorization"] = f"Bearer {token('follower')}"
        yield client


async def told(app: FastAPI, count: int) -> None:
    """Units told and numbered."""
    await tell(app.state.sessions, EVENT_TABLES, *(unit_changed(name=f"unit {number}") for number in range(count)))
    async with pool_for(app.state.settings.database_url.get_secret_value(), schema="goals", size=1) as pool:
        await sequence_once(pool, schema="goals", now=NOW)


class TestFollow:
    async def test_it_gives_the_log_in_order_as_a_cloudevents_batch(
        self, goals_app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        await told(goals_app, 3)

        answer = await client.get("/v1/events")

        log = await whole_log(goals_app.state.sessions, EVENT_TABLES)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == BATCH_MEDIA_TYPE
        assert answer.headers["steward-log"] == str(log[0].log_id)
        assert [(event["id"], event["position"]) for event in answer.json()] == [
            (str(event.id), str(event.position)) for event in log
        ]
        assert [event["previous"] for event in answer.json()] == [
            GENESIS.hex(),
            *(event["hash"] for event in answer.json()[:-1]),
        ]

    async def test_a_stranger_reads_it_with_the_cloudevents_sdk(
        self, goals_app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        await told(goals_app, 1)
        logged = (await whole_log(goals_app.state.sessions, EVENT_TABLES))[0]

        (document,) = (await client.get("/v1/events")).json()
        event = JSONFormat().read(None, json.dumps(document))

        assert event.get_source() == "/steward/body/goals"
        assert event.get_type() == UnitChanged.type
        assert event.get_time() == NOW
        assert event.get_extension("subjectversion") == "1"
        assert event.get_dataschema() == f"urn:steward:contract:{UnitChanged.type}"
        assert event.get_data() == json.loads(logged.data or "")

    async def test_a_follower_goes_on_from_what_it_holds(self, goals_app: FastAPI, client: httpx.AsyncClient) -> None:
        await told(goals_app, 5)
        first = (await client.get("/v1/events", params={"limit": 2})).json()
        held = {"log": first[-1]["logid"], "after": first[-1]["position"], "hash": first[-1]["hash"]}

        rest = (await client.get("/v1/events", params=held)).json()

        assert [event["position"] for event in first + rest] == ["1", "2", "3", "4", "5"]

    async def test_where_nothing_comes_the_batch_is_empty(self, goals_app: FastAPI, client: httpx.AsyncClient) -> None:
        await told(goals_app, 1)

        answer = await client.get("/v1/events", params={"after": 1, "wait": 0.1})

        assert (answer.status_code, answer.json()) == (200, [])

    @pytest.mark.parametrize(
        "held",
        [{"log": str(new_id())}, {"after": 9}, {"after": 1, "hash": "00" * 32}, {"after": 0, "hash": "11" * 32}],
        ids=["another log", "beyond the end", "another hash", "another beginning"],
    )
    async def test_a_follower_of_another_log_is_told_so(
        self, goals_app: FastAPI, client: httpx.AsyncClient, held: dict[str, str]
    ) -> None:
        await told(goals_app, 2)

        answer = await client.get("/v1/events", params=held)

        assert (answer.status_code, answer.json()["code"]) == (409, "another_log")

    async def test_it_waits_for_an_event_and_holds_no_connection_meanwhile(
        self, goals_app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        waiting = asyncio.create_task(client.get("/v1/events", params={"wait": 15}))
        held = []
        for _ in range(20):
            await asyncio.sleep(0.013)
            held.append(goals_app.state.engine.pool.checkedout())
        assert not waiting.done()

        await told(goals_app, 1)
        answer = await asyncio.wait_for(waiting, 5)

        assert len(answer.json()) == 1
        assert 0 in held

    async def test_it_asks_the_database_nothing_more_for_who_has_hung_up(
        self, goals_app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        asked: list[str] = []
        leaving = Leaving()
        signed_in = {"Authorization": client.headers["Authorization"]}
        waiting = [asyncio.create_task(leaving.get(goals_app, "/v1/events", "wait=15", signed_in)) for _ in range(5)]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in waiting)

        leaving.left.set()
        await asyncio.wait_for(asyncio.gather(*waiting), 3)
        listen(goals_app.state.engine.sync_engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
        await asyncio.sleep(0.5)

        assert [statement for statement in asked if "event_log" in statement] == []

    @pytest.mark.parametrize(("role", "status"), [(None, 401), ("analyst", 403), ("follower", 200)])
    async def test_it_is_for_followers(
        self,
        goals_app: FastAPI,
        client_for: ClientFor,
        token: SignsTokens,
        role: str | None,
        status: int,
    ) -> None:
        async with client_for(goals_app) as client:
            headers = {"Authorization": f"Bearer {token(role)}"} if role else {}
            assert (await client.get("/v1/events", headers=headers)).status_code == status

    @pytest.mark.parametrize("service", ["feedback", "reporting"])
    async def test_every_service_serves_its_log(
        self, app_for: AppFor, client_for: ClientFor, token: SignsTokens, service: str
    ) -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(client_for(await app_for(service)))
            answer = await client.get("/v1/events", headers={"Authorization": f"Bearer {token('follower')}"})

        assert (answer.status_code, answer.json()) == (200, [])


class TestFeedSource:
    async def test_it_reads_what_follows(self, goals_app: FastAPI, client: httpx.AsyncClient) -> None:
        await told(goals_app, 3)
        source = FeedSource(client, "http://steward.test/", service="goals")

        first = await source.take(None)
        later = await source.after(log_id=first[0].log_id, position=2, hash_=first[1].hash)

        assert [event.position for event in first] == [1, 2, 3]
        assert [event.position for event in later] == [3]

    async def test_a_log_that_is_not_ours_stops_it(self, goals_app: FastAPI, client: httpx.AsyncClient) -> None:
        await told(goals_app, 1)
        source = FeedSource(client, "http://steward.test", service="goals")

        with pytest.raises(ForeignLog, match="another hash"):
            await source.after(log_id=None, position=1, hash_=GENESIS)

    async def test_a_refusal_is_no_empty_batch(self, goals_app: FastAPI, client: httpx.AsyncClient) -> None:
        del client.headers["Authorization"]

        with pytest.raises(httpx.HTTPStatusError):
            await FeedSource(client, "http://steward.test", service="goals").take(None)
