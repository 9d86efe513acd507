"""Taking many responses at once."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx

from tests.feedback.samples import response, responses
from tests.feedback.service import Feedback

STORED = "select id from feedback.response order by id"
QUEUED = "select response_id from feedback.scoring_queue order by response_id"


async def post(feedback: Feedback, code: str, items: list[Any]) -> httpx.Response:
    return await feedback.call("POST", f"/v1/surveys/{code}/responses:batch", json={"items": items})


def statuses(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 207, answer.text
    return [item["status"] for item in answer.json()["items"]]


class TestAnswerManyTimes:
    async def test_each_item_has_its_own_result_and_harms_no_other(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        known, differs = response("good"), response("good")
        await feedback.answer(code, known)
        await feedback.answer(code, differs)
        items: list[Any] = [
            response("poor"),
            known,
            {**differs, "answers": {"overall": "poor"}},
            response("splendid-secret"),
            {"id": "no-uuid", "answers": "splendid-secret"},
            17,
            response("very_good"),
        ]

        answer = await post(feedback, code, items)

        assert statuses(answer) == [201, 201, 409, 422, 422, 422, 201]
        results = answer.json()["items"]
        assert [item.get("result", {}).get("duplicate") for item in results] == [
            False,
            True,
            None,
            None,
            None,
            None,
            False,
        ]
        assert [item.get("id") for item in results[:4]] == [item["id"] for item in items[:4]]
        assert results[3]["problem"]["errors"][0]["where"] == "/answers/overall"
        assert "splendid" not in answer.text
        assert len(await feedback.rows(STORED)) == 4

    async def test_the_whole_batch_can_be_sent_again(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        items = [*responses(20), response("splendid")]

        first, second = await post(feedback, code, items), await post(feedback, code, items)

        assert statuses(first) == statuses(second) == [201] * 20 + [422]
        assert {item["result"]["duplicate"] for item in second.json()["items"][:-1]} == {True}
        assert len(await feedback.rows(STORED)) == len(await feedback.rows(QUEUED)) == 20

    async def test_one_id_twice_in_a_batch_is_stored_once(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response("good")

        answer = await post(feedback, code, [body, body, {**body, "answers": {"overall": "poor"}}])

        assert statuses(answer) == [201, 201, 409]
        assert [item.get("result", {}).get("duplicate") for item in answer.json()["items"]] == [False, True, None]
        assert len(await feedback.rows(STORED)) == 1

    async def test_a_repeat_in_the_batch_is_compared_with_what_is_stored_not_with_its_neighbour(
        self, feedback: Feedback
    ) -> None:
        code = await feedback.open_survey()
        body = response("good")
        await feedback.answer(code, body)

        answer = await post(feedback, code, [{**body, "answers": {"overall": "poor"}}, body])

        assert statuses(answer) == [409, 201]

    async def test_batches_with_the_same_ids_in_any_order_do_not_deadlock(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        items = responses(100)
        orders = [random.Random(number).sample(items, len(items)) for number in range(8)]  # noqa: S311 - an order

        answers = await asyncio.gather(*(post(feedback, code, order) for order in orders))

        assert {status for answer in answers for status in statuses(answer)} == {201}
        new = [item["id"] for answer in answers for item in answer.json()["items"] if not item["result"]["duplicate"]]
        assert sorted(new) == sorted(item["id"] for item in items)
        assert len(await feedback.rows(STORED)) == len(await feedback.rows(QUEUED)) == 100

    async def test_a_closed_survey_refuses_each_new_item(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        stored = response()
        await feedback.answer(code, stored)
        await feedback.call("POST", f"/v1/surveys/{code}:close", "performance_officer")
        feedback.forget()

        assert statuses(await post(feedback, code, [stored, response()])) == [201, 410]

    async def test_an_item_with_an_id_that_holds_a_time_is_refused(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        answer = await post(feedback, code, [response(id_=UUID("0197f0c0-0000-7000-8000-000000000001"))])

        assert statuses(answer) == [422]

    async def test_more_than_a_thousand_items_are_too_many(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        assert (await post(feedback, code, responses(1001))).status_code == 422
        assert (await post(feedback, code, responses(1000))).status_code == 207
