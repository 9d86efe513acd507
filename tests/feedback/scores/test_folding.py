"""From the queue into cells, and out of the house."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from services.feedback.scores import operations
from services.feedback.settings import FeedbackSettings
from tests.feedback.samples import EXPERIENCE, HOURS, OVERALL, QUESTIONS, SCORES, TRUST, response, responses
from tests.feedback.service import Feedback

APRIL = datetime(2026, 4, 1, 12, tzinfo=UTC)
AFTER_GRACE = datetime(2026, 4, 4, 12, tzinfo=UTC)


async def released(feedback: Feedback) -> list[dict[str, Any]]:
    return [json.loads(event["data"]) for event in await feedback.events("score.released")]


async def answer_all(feedback: Feedback, code: str, items: list[dict[str, Any]]) -> None:
    answer = await feedback.call("POST", f"/v1/surveys/{code}/responses:batch", json={"items": items})
    assert answer.json()["refused"] == 0, answer.text


async def overall(feedback: Feedback) -> asyncpg.Record:
    (cell,) = await feedback.rows("select * from feedback.score_cell where question_id = 'overall'")
    return cell


class TestFold:
    async def test_the_cell_counts_each_stored_response_once(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        items = responses(57)
        await answer_all(feedback, code, items)
        await answer_all(feedback, code, items)
        await feedback.answer(code, items[3])

        await feedback.fold()

        cell = await overall(feedback)
        chosen = [item["answers"]["overall"] for item in items]
        worth = [Decimal(score) for option in chosen if (score := SCORES[option])]
        assert (cell["count"], cell["scored"], cell["total"]) == (57, len(worth), sum(worth))
        assert cell["squares"] == sum(score * score for score in worth)
        assert json.loads(cell["options"]) == {option: chosen.count(option) for option in set(chosen)}
        assert await feedback.rows("select from feedback.scoring_queue") == []

    async def test_it_belongs_to_the_month_of_the_day_where_the_body_is(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        feedback.clock.now = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
        await feedback.answer(code, response())

        await feedback.fold()

        assert (await overall(feedback))["period_start"].isoformat() == "2026-04-01"

    async def test_a_number_is_added_up_but_only_what_feeds_an_indicator_is_let_out(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(
            feedback, code, [response(answers={"overall": "good", "hours": f"{hours}.25"}) for hours in range(12)]
        )

        await feedback.fold()

        (cell,) = await feedback.rows("select count, total from feedback.score_cell where question_id = 'hours'")
        assert (cell["count"], cell["total"]) == (12, Decimal(69))
        assert [each["question_id"] for each in await released(feedback)] == ["overall"]

    async def test_ten_folders_at_once_count_as_one(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        async def answering() -> None:
            for seed in range(4):
                await answer_all(feedback, code, responses(40, seed))

        async def folding() -> None:
            for _ in range(10):
                await feedback.fold()

        await asyncio.gather(answering(), *(folding() for _ in range(4)))
        await feedback.fold()

        assert (await overall(feedback))["count"] == 160

    async def test_answers_about_another_unit_have_a_cell_of_their_own(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.publish(code, QUESTIONS, unit="RJ1")
        await feedback.answer(code, response())
        await feedback.answer(code, response(version=2))

        await feedback.fold()

        cells = await feedback.rows("select unit_id, count from feedback.score_cell")
        assert [cell["count"] for cell in cells] == [1, 1]
        assert len({cell["unit_id"] for cell in cells}) == 2

    async def test_a_long_queue_is_folded_in_several_steps(
        self, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operations, "AT_MOST", 7)
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(30))

        await feedback.fold()

        assert (await overall(feedback))["count"] == 30

    async def test_the_id_of_a_cell_does_not_tell_when_it_was_made(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.answer(code, response())

        await feedback.fold()

        assert (await overall(feedback))["id"].version == 4


class TestRelease:
    async def test_nothing_is_told_before_a_whole_step(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(9))
        await feedback.fold()
        assert await released(feedback) == []

        await feedback.answer(code, response("good"))
        await feedback.fold()

        cell = await overall(feedback)
        (event,) = await released(feedback)
        assert event == {
            "cell_id": str(cell["id"]),
            "survey_id": str(cell["survey_id"]),
            "survey_code": code,
            "question_id": "overall",
            "indicator_id": str(EXPERIENCE),
            "unit_id": str(TRUST),
            "period": {"frequency": "month", "start": "2026-03-01"},
            "release": 1,
            "final": False,
            "count": 10,
            "numerator": str(cell["total"]),
            "denominator": str(cell["scored"]),
            "left_out": None,
        }
        (row,) = await feedback.events("score.released")
        assert (row["subject"], row["subject_version"], row["actor"]) == (cell["id"], 1, None)

    async def test_answers_to_another_question_make_no_step(self, feedback: Feedback) -> None:
        optional = {**OVERALL, "required": False}
        code = await feedback.open_survey(questions=[optional, HOURS])
        await answer_all(feedback, code, [response(answers={"hours": "1"}) for _ in range(30)])
        await answer_all(feedback, code, responses(9))

        await feedback.fold()

        assert await released(feedback) == []

    async def test_one_score_among_many_without_is_not_told(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, [response("dont_know") for _ in range(9)] + [response("poor")])
        await feedback.fold()
        assert await released(feedback) == []

        await answer_all(feedback, code, [response("good") for _ in range(4)])
        await feedback.fold()

        assert [(each["count"], each["denominator"]) for each in await released(feedback)] == [(14, "5")]

    async def test_the_survey_may_ask_for_larger_steps(self, feedback: Feedback) -> None:
        code = await feedback.open_survey(threshold=25)
        assert "at least 25" in (await feedback.answer(code, response())).json()["scores_appear"]
        await answer_all(feedback, code, responses(23))
        await feedback.fold()
        assert await released(feedback) == []

        await feedback.answer(code, response())
        await feedback.fold()

        assert [each["count"] for each in await released(feedback)] == [25]

    async def test_steps_follow_each_other_at_most_once_a_minute(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        counts = []
        for seconds, number in ((0, 12), (30, 9), (30, 11), (60, 9), (60, 1)):
            feedback.clock.now += timedelta(seconds=seconds)
            await answer_all(feedback, code, [response() for _ in range(number)])
            await feedback.fold()
            counts.append([each["count"] for each in await released(feedback)])

        assert counts == [[12], [12], [12, 32], [12, 32], [12, 32, 42]]
        assert [each["release"] for each in await released(feedback)] == [1, 2, 3]

    async def test_what_waits_for_its_minute_comes_without_a_further_answer(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(10))
        await feedback.fold()
        await answer_all(feedback, code, responses(15, 2))
        await feedback.fold()
        assert len(await released(feedback)) == 1

        feedback.clock.now += timedelta(minutes=1)
        await feedback.fold()

        assert [each["count"] for each in await released(feedback)] == [10, 25]


class TestFinal:
    async def test_the_last_word_leaves_out_a_rest_below_a_step_and_says_how_many(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(14))
        await feedback.fold()
        await answer_all(feedback, code, responses(9, 2))
        await feedback.fold()

        feedback.clock.now = AFTER_GRACE
        await feedback.fold()
        await feedback.fold()

        first, last = await released(feedback)
        assert (last["release"], last["final"], last["left_out"]) == (2, True, 9)
        assert [last[name] for name in ("count", "numerator", "denominator")] == [
            first[name] for name in ("count", "numerator", "denominator")
        ]
        assert (await overall(feedback))["final"] is True

    async def test_the_last_word_includes_a_rest_of_a_whole_step(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(14))
        await feedback.fold()
        await answer_all(feedback, code, responses(10, 2))
        feedback.clock.now = AFTER_GRACE

        await feedback.fold()

        last = (await released(feedback))[-1]
        assert (last["count"], last["final"], last["left_out"]) == (24, True, 0)

    async def test_fewer_than_a_step_in_all_are_never_told_of(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(9))
        await feedback.fold()
        feedback.clock.now = AFTER_GRACE

        await feedback.fold()

        assert await released(feedback) == []
        assert (await overall(feedback))["final"] is True

    async def test_it_waits_for_the_grace_time(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(14))
        await feedback.fold()
        feedback.clock.now = APRIL

        await feedback.fold()

        assert [each["final"] for each in await released(feedback)] == [False]

    async def test_an_answer_folded_after_the_last_word_is_counted_as_late_and_never_added(
        self, feedback: Feedback
    ) -> None:
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(14))
        await feedback.fold()
        feedback.clock.now = AFTER_GRACE
        await feedback.fold()
        march, feedback.clock.now = AFTER_GRACE, datetime(2026, 3, 9, tzinfo=UTC)
        await answer_all(feedback, code, responses(20, 2))

        feedback.clock.now = march + timedelta(hours=1)
        await feedback.fold()

        cell = await overall(feedback)
        assert (cell["count"], cell["late"]) == (14, 20)
        assert len(await released(feedback)) == 2

    async def test_it_does_not_overtake_answers_that_still_wait(
        self, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operations, "AT_MOST", 5)
        code = await feedback.open_survey()
        await answer_all(feedback, code, responses(23))
        feedback.clock.now = AFTER_GRACE

        await feedback.fold(final_grace=FeedbackSettings.model_fields["final_grace"].default)

        cell = await overall(feedback)
        assert (cell["count"], cell["late"]) == (23, 0)
