"""Answers come in as a phone posts them, a score is let out, and a tile shows it beside the waiting times."""

import asyncio
from typing import Any

import asyncpg
import httpx

from deploy.demo.answers import SIMULATED, SURVEY
from deploy.postgres.bootstrap import url_of
from shared.ids import random_id
from tests.journeys.running import Journey, tile


def responses(count: int, choice: str) -> list[dict[str, Any]]:
    return [
        {"id": str(random_id()), "version": 1, "language": "en", "answers": {"overall": choice}} for _ in range(count)
    ]


async def post(feedback: httpx.AsyncClient, items: list[dict[str, Any]]) -> list[int]:
    answer = await feedback.post(f"/v1/surveys/{SURVEY}/responses:batch", json={"items": items})
    assert answer.status_code == 207, answer.text
    return [item["status"] for item in answer.json()["items"]]


async def shown(public: httpx.AsyncClient) -> dict[str, Any]:
    figure: dict[str, Any] = (await tile(public, "england", "ae-experience"))["figure"]
    return figure


async def test_the_record_of_the_survey_stands_beside_the_waiting_times(journey: Journey) -> None:
    async with journey.client("reporting") as public:
        experience = await tile(public, "england", "ae-experience")
        waits = await tile(public, "england", "ae-4h")

    assert experience["notice"] == SIMULATED
    assert len(experience["history"]) >= 12
    assert waits["figure"]["value"] is not None


async def test_twelve_answers_change_the_tile_and_a_repeat_changes_nothing(journey: Journey) -> None:
    items = responses(12, "very_good")
    async with journey.client("feedback") as phone, journey.client("reporting") as public:
        before = await shown(public)
        assert await post(phone, items) == [201] * 12
        assert await post(phone, items) == [201] * 12

        after = before
        for _ in range(200):
            after = await shown(public)
            if after != before:
                break
            await asyncio.sleep(0.1)

    same_month = after["period"] == before["period"]
    assert int(after["denominator"]) - (int(before["denominator"]) if same_month else 0) == 12
    assert int(after["numerator"]) - (int(before["numerator"]) if same_month else 0) == 60


async def test_what_a_cell_counts_is_what_was_accepted_and_no_event_is_written_for_an_answer(journey: Journey) -> None:
    async with journey.client("feedback") as phone:
        await post(phone, responses(3, "good"))
    connection = await asyncpg.connect(url_of(journey.stack.database_url, "feedback"))
    try:
        for _ in range(100):
            if not await connection.fetchval("select count(*) from feedback.scoring_queue"):
                break
            await asyncio.sleep(0.1)
        stored = await connection.fetchval("select count(*) from feedback.response")
        counted = await connection.fetchval("select sum(count) from feedback.score_cell where question_id = 'overall'")
        told = await connection.fetch("select type, count(*) from feedback.event_log group by type")
        ids = [str(row["id"]) for row in await connection.fetch("select id from feedback.response limit 500")]
        log = "\n".join(row["data"] for row in await connection.fetch("select data from feedback.event_log"))
    finally:
        await connection.close()

    assert counted == stored
    assert {row["type"] for row in told} == {
        "steward.feedback.survey.changed.v1",
        "steward.feedback.score.released.v1",
    }
    assert not [one for one in ids if one in log]
