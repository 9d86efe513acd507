"""Lists walk by keyset; changes name the version they have seen; reads wait for writes."""

import asyncio
import base64
import json
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.requests import Request

from shared.http.concurrency import not_modified
from tests.fixtures.leaving import Leaving
from tests.shared.http.conftest import Token
from tests.shared.http.test_problems import problem
from tests.shared.http.tiny import sessions


async def make(client: httpx.AsyncClient, bearer: Token, *codes: str) -> None:
    """Make things with these codes."""
    items = [{"code": code} for code in codes]
    answer = await client.post("/v1/things:batch", json={"items": items}, headers=bearer("writer"))
    assert answer.json()["accepted"] == len(codes)


def sealed(content: object) -> str:
    """A cursor as somebody would make it up who knows what ours look like."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


class TestPages:
    async def test_a_walk_meets_each_item_once_in_the_order_asked_for(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        codes = [f"c{number:02}" for number in range(7)]
        await make(client, bearer, *codes)
        met: list[str] = []
        cursor: str | None = None

        while True:
            query = {"limit": "3", "sort": "-code"} | ({"cursor": cursor} if cursor else {})
            answer = (await client.get("/v1/things", params=query, headers=bearer("reader"))).json()
            met += [item["code"] for item in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
            # What comes in front meanwhile moves nothing.
            await make(client, bearer, f"z{len(met)}")

        assert met == codes[::-1]

    async def test_equals_in_the_order_asked_for_are_not_lost_between_pages(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        await make(client, bearer, *(f"c{number}" for number in range(5)))
        query = {"limit": "2", "sort": "version"}
        first = (await client.get("/v1/things", params=query, headers=bearer("reader"))).json()
        second = await client.get("/v1/things", params=query | {"cursor": first["next"]}, headers=bearer("reader"))
        third = await client.get(
            "/v1/things", params=query | {"cursor": second.json()["next"]}, headers=bearer("reader")
        )

        pages = [first, second.json(), third.json()]
        assert len({item["id"] for page in pages for item in page["items"]}) == 5
        assert pages[-1]["next"] is None

    @pytest.mark.parametrize("cursor", ["nonsense", "W251bGwsICI+eHh4Il0", "eyJhIjoxfQ", "WzEsMl0"])
    async def test_a_made_up_cursor_is_refused(self, client: httpx.AsyncClient, bearer: Token, cursor: str) -> None:
        problem(await client.get(f"/v1/things?cursor={cursor}", headers=bearer("reader")), 400, "bad_cursor")

    @pytest.mark.parametrize(
        "place",
        [">i:7~s:a", ">s:b~s:a", ">s:a\x00", ">s:\ud800", ">b:AAAA", ">i:" + "9" * 30, ">n:NaN", '>"', ">s:a\rb"],
    )
    async def test_a_cursor_with_made_up_places_is_refused(
        self, client: httpx.AsyncClient, bearer: Token, place: str
    ) -> None:
        await make(client, bearer, "a", "b")
        for sort, last in ((None, ""), ("version", "~s:a")):
            cursor = sealed([sort, place + last])
            query = {"cursor": cursor} | ({"sort": sort} if sort else {})

            answer = await client.get("/v1/things", params=query, headers=bearer("reader"))

            assert answer.status_code in (200, 400)  # some of them name a place between two things
            if answer.status_code == 400:
                problem(answer, 400, "bad_cursor")

    @pytest.mark.parametrize("document", ["3", "null", "[" * 1400])
    async def test_a_cursor_of_another_shape_is_refused(
        self, client: httpx.AsyncClient, bearer: Token, document: str
    ) -> None:
        cursor = base64.urlsafe_b64encode(document.encode()).decode()

        problem(await client.get(f"/v1/things?cursor={cursor}", headers=bearer("reader")), 400, "bad_cursor")

    async def test_a_cursor_of_another_order_is_refused(self, client: httpx.AsyncClient, bearer: Token) -> None:
        await make(client, bearer, "a", "b")
        first = (await client.get("/v1/things?limit=1&sort=code", headers=bearer("reader"))).json()

        answer = await client.get(f"/v1/things?limit=1&cursor={first['next']}", headers=bearer("reader"))

        problem(answer, 400, "bad_cursor")

    @pytest.mark.parametrize("sort", ["size", ""])
    async def test_only_stated_fields_can_be_sorted_by(
        self, client: httpx.AsyncClient, bearer: Token, sort: str
    ) -> None:
        answer = await client.get(f"/v1/things?sort={sort}", headers=bearer("reader"))

        assert problem(answer, 400, "bad_sort")["detail"] == "This list can be sorted by code, version."

    async def test_only_the_fields_asked_for_are_told(self, client: httpx.AsyncClient, bearer: Token) -> None:
        await make(client, bearer, "a")

        narrow = (await client.get("/v1/things?fields=code,%20version", headers=bearer("reader"))).json()
        whole = (await client.get("/v1/things", headers=bearer("reader"))).json()

        assert narrow == {"items": [{"code": "a", "version": 1}], "next": None}
        assert set(whole["items"][0]) == {"id", "code", "size", "version"}

    async def test_a_field_that_the_items_do_not_have_is_refused(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        answer = await client.get("/v1/things?fields=code,colour", headers=bearer("reader"))

        (error,) = problem(answer, 400, "bad_fields")["errors"]
        assert error == {"where": "query fields", "sent": "colour", "accepted": "code, id, size, version"}

    async def test_a_field_is_asked_for_once(self, client: httpx.AsyncClient, bearer: Token) -> None:
        answer = await client.get("/v1/things?fields=code,version,code", headers=bearer("reader"))

        (error,) = problem(answer, 400, "bad_fields")["errors"]
        assert error == {"where": "query fields", "sent": "code", "accepted": "each field once"}

    async def test_the_description_of_a_list_is_that_of_its_items(self, client: httpx.AsyncClient) -> None:
        described = (await client.get("/openapi.json")).json()["components"]["schemas"]["Page_ThingAnswer_"]

        assert described["properties"]["items"]["items"] == {"$ref": "#/components/schemas/ThingAnswer"}

    async def test_a_list_tells_a_follower_and_nobody_else_where_to_follow_the_feed_from(
        self, tiny: FastAPI, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        log_id = UUID("0197f0c0-0000-7000-8000-000000000001")
        async with sessions(tiny)() as session, session.begin():
            await session.execute(
                text("insert into tiny.log_head values (:id, 7, '\\xab01', now())").bindparams(id=log_id)
            )

        follower, reader = [await client.get("/v1/things", headers=bearer(role)) for role in ("follower", "reader")]

        assert follower.headers["steward-cursor"] == f"log={log_id}&after=7&hash=ab01"
        assert reader.status_code == 200
        assert "steward-cursor" not in reader.headers


class TestBulk:
    async def test_a_bad_item_harms_no_good_one_and_each_has_its_own_result(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        items = [{"code": "A"}, {"code": "taken"}, {"code": "C"}]

        answer = await client.post("/v1/things:batch", json={"items": items}, headers=bearer("writer"))

        assert answer.status_code == 207
        told = answer.json()
        assert (told["accepted"], told["refused"]) == (2, 1)
        assert [(item["index"], item["id"], item["status"]) for item in told["items"]] == [
            (0, "A", 201),
            (1, "taken", 409),
            (2, "C", 201),
        ]
        assert told["items"][0]["written"].startswith("tiny/")
        assert told["items"][1]["problem"]["code"] == "taken"
        assert told["items"][1]["problem"]["request_id"] == answer.headers["x-request-id"]
        listed = (await client.get("/v1/things?sort=code", headers=bearer("reader"))).json()["items"]
        assert [item["code"] for item in listed] == ["A", "C"]


class TestVersions:
    @pytest.fixture
    async def thing(self, client: httpx.AsyncClient, bearer: Token) -> str:
        """A thing with version 1."""
        answer = await client.post("/v1/things", json={"code": "A", "size": "1.50"}, headers=bearer("writer"))
        assert answer.headers["etag"] == '"1"'
        return "/v1/things/A"

    @pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"1-gzip"', 'W/"1-gzip"'])
    async def test_a_change_of_the_current_version_is_made(
        self, client: httpx.AsyncClient, bearer: Token, thing: str, tag: str
    ) -> None:
        answer = await client.patch(thing, json={"size": None}, headers=bearer("writer") | {"If-Match": tag})

        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        assert answer.json()["size"] is None

    async def test_what_is_not_sent_stays_as_it_is(self, client: httpx.AsyncClient, bearer: Token, thing: str) -> None:
        headers = bearer("writer") | {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}

        answer = await client.patch(thing, content=b'{"code": "B"}', headers=headers)

        assert (answer.json()["code"], answer.json()["size"]) == ("B", "1.50")

    async def test_a_field_that_cannot_be_empty_is_not_cleared(
        self, client: httpx.AsyncClient, bearer: Token, thing: str
    ) -> None:
        answer = await client.patch(thing, json={"code": None}, headers=bearer("writer") | {"If-Match": '"1"'})

        assert problem(answer, 422, "invalid_input")["errors"][0]["where"] == "/code"

    async def test_an_old_version_is_refused_with_the_current_one(
        self, client: httpx.AsyncClient, bearer: Token, thing: str
    ) -> None:
        answer = await client.patch(thing, json={"code": "B"}, headers=bearer("writer") | {"If-Match": '"7"'})

        assert problem(answer, 412, "precondition_failed")["current_version"] == 1

    async def test_without_a_version_nothing_is_changed(
        self, client: httpx.AsyncClient, bearer: Token, thing: str
    ) -> None:
        problem(await client.patch(thing, json={"code": "B"}, headers=bearer("writer")), 428, "if_match_missing")

    @pytest.mark.parametrize("tag", ["1", "*", '"x"', '"1", "2"'])
    async def test_what_was_never_an_etag_is_refused(
        self, client: httpx.AsyncClient, bearer: Token, thing: str, tag: str
    ) -> None:
        answer = await client.patch(thing, json={"code": "B"}, headers=bearer("writer") | {"If-Match": tag})

        problem(answer, 400, "bad_if_match")

    async def test_the_permission_comes_before_the_version(
        self, client: httpx.AsyncClient, bearer: Token, thing: str
    ) -> None:
        problem(await client.patch(thing, json={"code": "B"}, headers=bearer("reader")), 403, "forbidden")

    @pytest.mark.parametrize(
        ("sent", "good"),
        [('"3"', True), ('W/"3"', True), ('"2", "3-gzip"', True), ("*", True), ('"2"', False), ("", False)],
    )
    def test_a_copy_is_good_while_its_version_is_the_current_one(self, sent: str, good: bool) -> None:
        request = Request({"type": "http", "headers": [(b"if-none-match", sent.encode())]})

        assert not_modified(request, '"3"') is good


class TestSteadyReads:
    async def test_a_read_waits_until_the_write_has_arrived(self, tiny: FastAPI, client: httpx.AsyncClient) -> None:
        headers = {"Steward-After": f"goals/{uuid4()}/3"}

        answer = await client.get("/v1/late?wait=2", headers=headers)

        assert (answer.status_code, tiny.state.asked) == (200, 3)

    async def test_without_waiting_it_says_that_it_has_not_caught_up(self, client: httpx.AsyncClient) -> None:
        begun = asyncio.get_running_loop().time()

        answer = await client.get("/v1/late", headers={"Steward-After": f"goals/{uuid4()}/1000"})

        assert problem(answer, 503, "not_caught_up")["retry"] == "same"
        assert answer.headers["retry-after"] == "1"
        assert asyncio.get_running_loop().time() - begun < 1

    async def test_nobody_asks_any_more_for_who_has_hung_up(self, tiny: FastAPI, client: httpx.AsyncClient) -> None:
        leaving, headers = Leaving(), {"Steward-After": f"goals/{uuid4()}/1000"}
        waiting = [asyncio.create_task(leaving.get(tiny, "/v1/late", "wait=10", headers)) for _ in range(20)]
        async with asyncio.timeout(5):
            while tiny.state.asked < 20:  # noqa: ASYNC110 - nothing says that all have asked
                await asyncio.sleep(0.05)

        leaving.left.set()
        await asyncio.wait_for(asyncio.gather(*waiting), 4)

    async def test_a_read_that_minds_nothing_does_not_ask(self, tiny: FastAPI, client: httpx.AsyncClient) -> None:
        assert (await client.get("/v1/late")).status_code == 200
        assert tiny.state.asked == 0

    @pytest.mark.parametrize("mark", ["goals", "goals/1/2", f"GOALS/{UUID(int=1)}/3", f"goals/{'-' * 36}/3"])
    async def test_a_mark_that_nobody_gave_is_refused(self, client: httpx.AsyncClient, mark: str) -> None:
        problem(await client.get("/v1/late", headers={"Steward-After": mark}), 400, "bad_steward_after")

    async def test_nobody_waits_longer_than_ten_seconds(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/v1/late?wait=11"), 422, "invalid_input")
