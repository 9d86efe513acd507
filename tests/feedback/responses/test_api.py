"""Taking one response."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid1, uuid4

import pytest

from services.feedback.settings import FeedbackSettings
from shared.ids import new_id
from tests.feedback.samples import HOURS, OVERALL, QUESTIONS, response
from tests.feedback.service import Feedback

WORK = "select r.* from feedback.response r join feedback.scoring_queue q on q.response_id = r.id"


class TestAnswerSurvey:
    async def test_a_response_is_stored_with_one_row_of_work(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        survey = (await feedback.call("GET", f"/v1/surveys/{code}")).json()
        body = response()

        answer = await feedback.answer(code, body)

        assert answer.status_code == 201
        assert answer.json() == {
            "id": body["id"],
            "survey": code,
            "survey_id": survey["id"],
            "duplicate": False,
            "scores_appear": "Scores appear in steps of at least ten, at most once a minute.",
        }
        assert [str(row["id"]) for row in await feedback.rows(WORK)] == [body["id"]]

    async def test_the_survey_is_found_by_its_id_too(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        id_ = (await feedback.call("GET", f"/v1/surveys/{code}")).json()["id"]

        assert (await feedback.answer(id_, response())).status_code == 201

    async def test_of_the_moment_only_the_day_where_the_body_is_remains(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        feedback.clock.now = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)

        await feedback.answer(code, response("good"))

        (row,) = await feedback.rows("select * from feedback.response")
        assert sorted(row.keys()) == ["answers", "day", "id", "language", "survey_id", "version"]
        assert row["day"].isoformat() == "2026-04-01"

    async def test_no_event_tells_of_it(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        before = await feedback.rows("select id from feedback.outbox")

        for _ in range(3):
            await feedback.answer(code, response())

        assert await feedback.rows("select id from feedback.outbox") == before

    @pytest.mark.parametrize("id_", [new_id(), uuid1()], ids=["version 7", "version 1"])
    async def test_an_id_that_holds_a_time_is_refused(self, feedback: Feedback, id_: Any) -> None:
        code = await feedback.open_survey()

        answer = await feedback.answer(code, response(id_=id_))

        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["where"] == "/id"
        assert "version 4" in error["accepted"]

    async def test_a_field_that_would_tell_more_is_refused(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        answer = await feedback.answer(code, {**response(), "device_time": "2026-03-02T09:30:00Z"})

        assert answer.status_code == 422
        assert "2026-03-02T09:30:00Z" not in answer.text


class TestRepeat:
    async def test_an_identical_repeat_is_a_success_and_changes_nothing(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response()

        answers = [await feedback.answer(code, body) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [201, 201, 201]
        assert [answer.json()["duplicate"] for answer in answers] == [False, True, True]
        assert len(await feedback.rows(WORK)) == 1

    async def test_thirty_at_once_store_it_once(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response()

        answers = await asyncio.gather(*(feedback.answer(code, body) for _ in range(30)))

        assert {answer.status_code for answer in answers} == {201}
        assert sorted(answer.json()["duplicate"] for answer in answers) == [False] + [True] * 29
        assert len(await feedback.rows(WORK)) == 1

    async def test_a_repeat_of_what_is_counted_already_is_not_counted_again(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response()
        await feedback.answer(code, body)
        await feedback.fold()

        assert (await feedback.answer(code, body)).json()["duplicate"] is True

        assert await feedback.rows(WORK) == []

    async def test_the_same_id_with_other_content_is_a_conflict(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response("good")
        await feedback.answer(code, body)

        answer = await feedback.answer(code, {**body, "answers": {"overall": "poor"}})

        assert answer.status_code == 409
        assert answer.json()["code"] == "response_differs"
        (row,) = await feedback.rows(WORK)
        assert json.loads(row["answers"]) == {"overall": "good"}

    async def test_the_same_id_for_another_survey_is_a_conflict(self, feedback: Feedback) -> None:
        one, other = await feedback.open_survey("one"), await feedback.open_survey("other")
        body = response()
        await feedback.answer(one, body)

        assert (await feedback.answer(other, body)).status_code == 409

    async def test_json_that_is_spelt_differently_says_the_same(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response(answers={"overall": "good", "hours": "2", "improve": "Chairs"})
        await feedback.answer(code, body)
        respelt = json.dumps(
            dict(reversed(body.items())) | {"answers": dict(reversed(body["answers"].items()))}, indent=4
        )

        answer = await feedback.call(
            "POST",
            f"/v1/surveys/{code}/responses",
            content=respelt,
            headers={"Content-Type": "application/json"},
        )

        assert (answer.status_code, answer.json()["duplicate"]) == (201, True)

    @pytest.mark.parametrize(
        ("question", "first", "second"),
        [
            ("improve", "caf\u00e9", "cafe\u0301"),
            ("hours", "1.50", "1.5"),
            ("hours", "10", "10.000"),
            ("hours", "0", "-0.0"),
            ("hours", "007", "7"),
        ],
    )
    async def test_what_means_the_same_is_the_same(
        self, feedback: Feedback, question: str, first: str, second: str
    ) -> None:
        code = await feedback.open_survey()
        body = response()
        await feedback.answer(code, {**body, "answers": {"overall": "good", question: first}})

        answer = await feedback.answer(code, {**body, "answers": {"overall": "good", question: second}})

        assert (answer.status_code, answer.json()["duplicate"]) == (201, True)

    async def test_a_field_left_blank_is_a_question_left_out(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = response()
        await feedback.answer(code, body)

        answer = await feedback.answer(code, {**body, "answers": {"overall": "good", "improve": " "}})

        assert (answer.status_code, answer.json()["duplicate"]) == (201, True)


class TestRefused:
    async def test_each_question_is_named_with_its_rule_and_no_answer_is_repeated(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        answers = {"overall": "splendid-secret", "hours": "99.125", "improve": "s3cret " * 20, "extra": "private-thing"}

        answer = await feedback.answer(code, response(answers=answers))

        assert answer.status_code == 422
        problem = answer.json()
        assert problem["code"] == "invalid_answers"
        assert {error["where"]: error["accepted"] for error in problem["errors"]} == {
            "/answers/overall": "the id of one of the question's options",
            "/answers/hours": "a number of at most 72",
            "/answers/improve": "at most 100 characters",
            "/answers/extra": "nothing: version 1 has no such question",
        }
        assert not any(secret in answer.text for secret in ("splendid", "99.125", "s3cret", "private-thing"))
        assert await feedback.rows(WORK) == []

    @pytest.mark.parametrize(
        "answers", [{"overall": 123454321}, "the-secret-123454321", {"overall": ["123454321"]}, {"123454321 !": "x"}]
    )
    async def test_what_cannot_be_read_is_not_repeated_either(self, feedback: Feedback, answers: Any) -> None:
        code = await feedback.open_survey()

        answer = await feedback.answer(code, response(answers=answers))

        assert answer.status_code == 422
        assert "123454321" not in answer.text

    async def test_a_required_question_needs_an_answer(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        answer = await feedback.answer(code, response(answers={"hours": "1"}))

        assert [error["where"] for error in answer.json()["errors"]] == ["/answers/overall"]

    @pytest.mark.parametrize("change", [{"language": "fr"}, {"version": 7}])
    async def test_language_and_version_are_those_of_the_survey(self, feedback: Feedback, change: Any) -> None:
        code = await feedback.open_survey()

        answer = await feedback.answer(code, response(**change))

        assert answer.status_code == 422
        assert [error["where"] for error in answer.json()["errors"]] == [f"/{next(iter(change))}"]

    async def test_a_draft_is_not_there(self, feedback: Feedback) -> None:
        officer = "performance_officer"
        await feedback.call("POST", "/v1/surveys", officer, json={"code": "new", "title": {"en": "New"}, "unit": "RF4"})

        assert (await feedback.answer("new", response())).status_code == 404

    async def test_a_failing_database_is_no_reason_to_quote_the_answer(
        self, own_feedback: Feedback, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = await own_feedback.open_survey()
        await own_feedback.rows(
            "alter table feedback.response add constraint planted check (answers ->> 'improve' <> 'my-secret')"
        )

        answer = await own_feedback.answer(code, response(answers={"overall": "good", "improve": "my-secret"}))

        assert (answer.status_code, answer.json()["code"]) == (503, "not_stored")
        printed = capsys.readouterr()
        assert "my-secret" not in answer.text + printed.out + printed.err
        assert "responses_not_stored" in printed.out + printed.err


class TestClosed:
    async def test_a_closed_survey_refuses_within_a_second(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        assert (await feedback.answer(code, response())).status_code == 201
        closed = await feedback.call("POST", f"/v1/surveys/{code}:close", "performance_officer")
        assert closed.status_code == 200

        await asyncio.sleep(0.9)
        answer = await feedback.answer(code, response())

        assert (answer.status_code, answer.json()["code"]) == (410, "survey_closed")

    async def test_who_lost_the_answer_to_a_stored_response_still_learns_that_it_is_stored(
        self, feedback: Feedback
    ) -> None:
        code = await feedback.open_survey()
        body = response()
        await feedback.answer(code, body)
        await feedback.call("POST", f"/v1/surveys/{code}:close", "performance_officer")
        feedback.forget()

        answer = await feedback.answer(code, body)

        assert (answer.status_code, answer.json()["duplicate"]) == (201, True)


class TestVersions:
    async def test_an_answer_to_the_version_before_is_taken_with_the_options_it_had(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        fewer = {**OVERALL, "options": [each for each in OVERALL["options"] if each["id"] != "neither"]}
        assert await feedback.publish(code, [fewer, HOURS]) == 2

        old = await feedback.answer(code, response("neither"))
        new = await feedback.answer(code, response("neither", version=2))

        assert (old.status_code, new.status_code) == (201, 422)

    async def test_an_option_counts_once_in_all_languages_and_versions(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.publish(code, QUESTIONS)
        for body in (response("good"), response("good", language="cy"), response("good", version=2)):
            assert (await feedback.answer(code, body)).status_code == 201

        await feedback.fold()

        (cell,) = await feedback.rows("select options, count from feedback.score_cell where question_id = 'overall'")
        assert (json.loads(cell["options"]), cell["count"]) == ({"good": 3}, 3)

    async def test_after_the_grace_time_the_old_version_is_gone(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.publish(code, QUESTIONS)
        grace: timedelta = FeedbackSettings.model_fields["older_version_grace"].default
        feedback.clock.now += grace
        feedback.forget()

        answer = await feedback.answer(code, response())

        assert (answer.status_code, answer.json()["code"]) == (410, "version_expired")
        assert (await feedback.answer(code, response(version=2))).status_code == 201


class TestBrokenOff:
    async def test_fifty_clients_that_hang_up_in_the_middle_leave_nothing_behind(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        for _ in range(50):
            await _hang_up(feedback, f"/v1/surveys/{code}/responses")

        assert (await feedback.answer(code, response())).status_code == 201
        pool = feedback.app.state.pool
        assert pool.get_idle_size() == pool.get_size()


async def _hang_up(feedback: Feedback, path: str) -> None:
    messages = [
        {"type": "http.request", "body": json.dumps({"id": str(uuid4())}).encode()[:-1], "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"steward.test"), (b"content-type", b"application/json"), (b"content-length", b"900")],
        "scheme": "http",
        "server": ("steward.test", 80),
        "client": ("127.0.0.1", 1),
        "state": {},
    }

    async def receive() -> Any:
        return messages.pop(0)

    async def send(_: Any) -> None:
        return None

    await feedback.app(scope, receive, send)
