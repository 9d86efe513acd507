"""The same request twice does its work once, whatever happens in between; a commit that fails is no success."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import func, text
from sqlmodel import select

from shared.http.idempotency import IdempotentRoute, forget_old_answers
from tests.shared.http.conftest import Token
from tests.shared.http.test_problems import problem
from tests.shared.http.tiny import Idempotency, Thing, Writer, sessions

KEY = {"Idempotency-Key": "k-1"}


async def count(tiny: FastAPI, table: type[Thing] | type[Idempotency]) -> int:
    """How many rows a table has."""
    async with sessions(tiny)() as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


class TestCommit:
    async def test_a_failing_commit_gives_500_and_not_201(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        first = await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer"))
        assert first.status_code == 201

        again = await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer"))

        problem(again, 500, "internal")
        assert await count(tiny, Thing) == 1

    async def test_a_lock_that_does_not_come_is_busy_and_worth_another_try(
        self, tiny: FastAPI, client: httpx.AsyncClient
    ) -> None:
        async with sessions(tiny)() as session, session.begin():
            await session.execute(text("lock table tiny.thing in share mode"))

            answer = await client.get("/v1/busy")

        assert problem(answer, 503, "busy")["retry"] == "same"
        assert answer.headers["retry-after"] == "2"


class TestIdempotencyKey:
    async def test_the_same_request_gets_the_first_answer_again_and_works_once(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        headers = bearer("writer") | KEY
        first = await client.post("/v1/things", content=b'{"code":"A","size":"1.50"}', headers=headers | _JSON)

        again = await client.post("/v1/things", content=b'{ "size": "1.50", "code": "A" }', headers=headers | _JSON)

        assert first.status_code == again.status_code == 201
        assert first.content == again.content
        for name in ("location", "etag", "steward-written", "content-type"):
            assert first.headers[name] == again.headers[name]
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert await count(tiny, Thing) == 1

    async def test_another_body_is_refused(self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token) -> None:
        await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)

        answer = await client.post("/v1/things", json={"code": "B"}, headers=bearer("writer") | KEY)

        problem(answer, 422, "idempotency_key_reused")
        assert await count(tiny, Thing) == 1

    async def test_while_the_first_is_at_work_the_second_is_told_to_come_again(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        tiny.state.gate.clear()
        headers = bearer("writer") | KEY
        first = asyncio.create_task(client.post("/v1/things", json={"code": "A"}, headers=headers))
        await tiny.state.begun.wait()

        second = await client.post("/v1/things", json={"code": "A"}, headers=headers)

        assert problem(second, 409, "in_flight")["retry"] == "same"
        assert second.headers["retry-after"] == "1"
        tiny.state.gate.set()
        assert (await first).status_code == 201
        third = await client.post("/v1/things", json={"code": "A"}, headers=headers)
        assert third.content == (await first).content

    async def test_of_many_at_once_one_works(self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token) -> None:
        headers = bearer("writer") | KEY

        answers = await asyncio.gather(
            *(client.post("/v1/things", json={"code": "A"}, headers=headers) for _ in range(12))
        )

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert await count(tiny, Thing) == 1
        assert await count(tiny, Thing) == 1

    async def test_a_commit_that_fails_keeps_neither_work_nor_answer(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer"))
        failed = await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)
        problem(failed, 500, "internal")
        assert await count(tiny, Idempotency) == 0

        later = await client.post("/v1/things", json={"code": "B"}, headers=bearer("writer") | KEY)

        assert later.status_code == 201

    async def test_a_refused_request_leaves_its_key_free(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        problem(await client.post("/v1/things", json={}, headers=bearer("writer") | KEY), 422, "invalid_input")

        answer = await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)

        assert answer.status_code == 201

    async def test_keys_of_two_callers_and_two_addresses_are_apart(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        one = await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)
        other = await client.post("/v1/things", json={"code": "B"}, headers=bearer("writer", "RF4") | KEY)
        batch = await client.post("/v1/things:batch", json={"items": []}, headers=bearer("writer") | KEY)

        assert [one.status_code, other.status_code, batch.status_code] == [201, 201, 207]
        assert await count(tiny, Idempotency) == 3

    async def test_an_answer_is_not_shown_to_who_lost_the_permission(
        self, client: httpx.AsyncClient, tiny: FastAPI, bearer: Token
    ) -> None:
        await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)
        tiny.state.roles = {}

        answer = await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)

        problem(answer, 403, "forbidden")

    async def test_an_expired_answer_is_forgotten(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)
        async with sessions(tiny)() as session, session.begin():
            await session.execute(text("update tiny.idempotency set expires_at = now() - interval '1 second'"))

        answer = await client.post("/v1/things", json={"code": "B"}, headers=bearer("writer") | KEY)

        assert answer.status_code == 201
        assert await count(tiny, Thing) == 2

    async def test_answers_are_kept_for_seven_days(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        await client.post("/v1/things", json={"code": "A"}, headers=bearer("writer") | KEY)
        day = timedelta(days=1)

        async with sessions(tiny)() as session, session.begin():
            assert await forget_old_answers(session, Idempotency, datetime.now(UTC) + 6.9 * day) == 0  # noqa: TID251 - the row was stamped by the real clock
            assert await forget_old_answers(session, Idempotency, datetime.now(UTC) + 7.1 * day) == 1  # noqa: TID251 - as above

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256])
    async def test_a_key_that_is_none_is_refused(self, client: httpx.AsyncClient, bearer: Token, key: str) -> None:
        headers = bearer("writer") | {"Idempotency-Key": key}

        answer = await client.post("/v1/things", json={"code": "A"}, headers=headers)

        assert problem(answer, 422, "invalid_input")["errors"][0]["where"] == "header Idempotency-Key"

    def test_a_route_that_could_not_keep_its_answer_is_not_accepted(self) -> None:
        router = APIRouter(route_class=IdempotentRoute)

        with pytest.raises(TypeError, match="session: Session"):

            @router.post("/v1/forgetful")
            async def forgetful(caller: Writer) -> str:
                return ""


_JSON = {"Content-Type": "application/json"}
