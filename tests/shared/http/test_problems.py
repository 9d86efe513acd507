"""Every failure is a problem that says what would be accepted, and nothing about our insides."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.shared.http.conftest import Token

JSON = {"Content-Type": "application/json"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer is expected to be."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems/{code}")
    assert body["retry"] in ("never", "same", "after_login", "smaller")
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


class TestValidation:
    async def test_every_wrong_field_is_named_at_once_with_what_was_sent_and_what_would_do(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        items = [{"code": "A", "size": 1.5}, {"size": "1", "colour": "red"}, {"code": "C", "size": "x" * 500}]

        answer = await client.post("/v1/things:batch", json={"items": items}, headers=bearer("writer"))

        errors = {each["where"]: each for each in problem(answer, 422, "invalid_input")["errors"]}
        assert set(errors) == {"/items/0/size", "/items/1/code", "/items/1/colour", "/items/2/size"}
        assert errors["/items/0/size"]["sent"] == "1.5"
        assert "text in quotes" in errors["/items/0/size"]["accepted"]
        assert "sent" not in errors["/items/1/code"]
        assert errors["/items/1/colour"]["accepted"].endswith("known are code, size")
        assert len(errors["/items/2/size"]["sent"]) == 100

    async def test_a_private_body_is_never_repeated(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/answers", json={"id": "zebra-17", "mood": "heartbroken", "name": "Ada"})

        errors = problem(answer, 422, "invalid_input")["errors"]
        assert {each["where"] for each in errors} == {"/id", "/mood", "/name"}
        assert not any("sent" in each for each in errors)
        assert not any(word in answer.text for word in ("zebra", "heartbroken", "Ada"))

    async def test_a_pointer_leads_through_what_was_sent_although_the_field_is_a_union(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        answer = await client.post("/v1/things", json={"code": "A", "size": []}, headers=bearer("writer"))

        assert problem(answer, 422, "invalid_input")["errors"][0]["where"] == "/size"

    async def test_a_query_parameter_out_of_range_is_named(self, client: httpx.AsyncClient, bearer: Token) -> None:
        answer = await client.get("/v1/things?limit=201", headers=bearer("reader"))

        (error,) = problem(answer, 422, "invalid_input")["errors"]
        assert error == {"where": "query limit", "sent": '"201"', "accepted": "less than or equal to 200"}

    async def test_an_unknown_query_parameter_is_refused_with_those_known(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        answer = await client.get("/v1/things?limit=2&colour=red", headers=bearer("reader"))

        assert "cursor, fields, limit, sort" in problem(answer, 400, "unknown_parameter")["detail"]

    async def test_an_uuid_shaped_code_is_no_code(self, client: httpx.AsyncClient, bearer: Token) -> None:
        body = {"code": "0197f0c0-0000-7000-8000-000000000001"}

        answer = await client.post("/v1/things", json=body, headers=bearer("writer"))

        assert problem(answer, 422, "invalid_input")["errors"][0]["accepted"] == "a code must not look like a UUID"


class TestUnsoundText:
    @pytest.mark.parametrize(
        ("body", "code", "where"),
        [
            (rb'{"code": "a\u0000b"}', "invalid_input", "/code"),
            (b'{"code": "\\ud800"}', "invalid_input", "/code"),
            (b'{"code": "\xed\xa0\x80"}', "invalid_input", "/code"),
            (rb'{"a\u0000": 1}', "invalid_input", ""),
            (rb'{"deep": [{"er": "\udfff"}]}', "invalid_input", "/deep/0/er"),
            (b'{"size": NaN}', "broken_json", "/size"),
            (b'{"size": -Infinity}', "broken_json", "/size"),
            (b'{"code": "A", "size": 1e999}', "invalid_input", "/size"),
            (b'{"code": ' + b"[" * 900 + rb'"\u0000"' + b"]" * 900 + b"}", "invalid_input", "/code" + "/0" * 900),
            ('{"code": "a\x00b"}'.encode("utf-16"), "broken_json", None),
        ],
    )
    async def test_it_is_refused_wherever_it_stands(
        self, client: httpx.AsyncClient, bearer: Token, body: bytes, code: str, where: str | None
    ) -> None:
        answer = await client.post("/v1/things", content=body, headers=JSON | bearer("writer"))

        told = problem(answer, 422 if code == "invalid_input" else 400, code)
        if where is not None:
            assert told["errors"][0]["where"] == where

    async def test_paired_surrogates_are_sound(self, client: httpx.AsyncClient) -> None:
        body = b'{"id": "0197f0c0-0000-4000-8000-000000000001", "mood": "\\ud83d\\ude00"}'

        answer = await client.post("/v1/answers", content=body, headers=JSON)

        assert [each["where"] for each in problem(answer, 422, "invalid_input")["errors"]] == ["/mood"]

    async def test_a_nul_in_a_query_is_refused(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/v1/late?wait=%001"), 400, "bad_request")

    async def test_a_nul_in_a_form_is_refused(self, client: httpx.AsyncClient) -> None:
        problem(await client.post("/form", data={"mood": "a\x00"}), 422, "invalid_input")


class TestBody:
    @pytest.mark.parametrize("body", [b"{", b'{"code"', b"\xff\xfe", b"[" * 60000, b"1" * 5000])
    async def test_broken_json_is_a_problem(self, client: httpx.AsyncClient, bearer: Token, body: bytes) -> None:
        answer = await client.post("/v1/things", content=body, headers=JSON | bearer("writer"))

        assert answer.status_code == 400
        assert answer.json()["code"] in ("broken_json", "bad_request")

    @pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Type": "text/json; x"}, {}])
    async def test_another_media_type_is_refused(
        self, client: httpx.AsyncClient, bearer: Token, headers: dict[str, str]
    ) -> None:
        answer = await client.post("/v1/things", content=b'{"code": "A"}', headers=headers | bearer("writer"))

        problem(answer, 415, "wrong_media_type")

    async def test_a_form_takes_no_json(self, client: httpx.AsyncClient) -> None:
        problem(await client.post("/form", json={"mood": "good"}), 415, "wrong_media_type")

    async def test_an_announced_large_body_is_refused_unread(self, client: httpx.AsyncClient, bearer: Token) -> None:
        answer = await client.post("/v1/things", json={"code": "x" * 65536}, headers=bearer("writer"))

        assert problem(answer, 413, "too_large")["retry"] == "smaller"

    async def test_a_large_body_without_length_is_refused_while_it_streams(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(100):
                sent += 8192
                yield b" " * 8192

        answer = await client.post("/v1/things", content=endless(), headers=JSON | bearer("writer"))

        problem(answer, 413, "too_large")
        assert sent <= 65536 + 2 * 8192

    async def test_a_batch_may_be_larger(self, client: httpx.AsyncClient, bearer: Token) -> None:
        items = [{"code": f"c{number}" + "x" * 58} for number in range(1000)]
        assert len(json.dumps(items)) > 65536

        answer = await client.post("/v1/things:batch", json={"items": items}, headers=bearer("writer"))

        assert (answer.status_code, answer.json()["accepted"]) == (207, 1000)


class TestFramework:
    async def test_an_unknown_address_is_a_problem(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/v1/nowhere"), 404, "no_such_path")

    async def test_a_wrong_method_names_all_that_are_right(self, client: httpx.AsyncClient) -> None:
        answer = await client.delete("/v1/things")

        assert "GET, HEAD, POST" in problem(answer, 405, "method_not_allowed")["detail"]
        assert answer.headers["allow"] == "GET, HEAD, POST"

    async def test_an_unforeseen_error_says_nothing_but_is_logged_with_the_request_id(
        self, client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer = await client.get("/v1/boom", headers={"X-Request-Id": "case-17"})

        problem(answer, 500, "internal")
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
        (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "request_failed" in line]
        assert (line["request_id"], line["service"], line["level"]) == ("case-17", "tiny", "error")
        assert line["exception"][0]["exc_value"] == "the inner secret"
        assert "locals" not in json.dumps(line)

    async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(self, tiny: FastAPI) -> None:
        transport = httpx.ASGITransport(app=tiny, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://steward.test") as client:
            with pytest.raises(RuntimeError, match="half way"):
                await client.get("/v1/broken-stream")

    async def test_a_browser_gets_the_same_as_a_page(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/nowhere<b>", headers={"Accept": "text/html"})

        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert answer.headers["x-request-id"] in answer.text
        assert "<b>" not in answer.text

    async def test_an_api_address_answers_a_browser_in_json(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/v1/nowhere", headers={"Accept": "text/html"}), 404, "no_such_path")
