"""Making surveys, putting them out, and reading them."""

import json
from typing import Any

import asyncpg
import pytest

from shared.ids import new_id
from tests.feedback.samples import EXPERIENCE, HOURS, OVERALL, QUESTIONS, SURVEY, TRUST
from tests.feedback.service import Feedback

OFFICER = "performance_officer"


def made(code: str = "ae", **changes: Any) -> dict[str, Any]:
    return {**SURVEY, "code": code, **changes}


class TestCreateSurvey:
    @pytest.mark.parametrize("role", ["performance_officer", "publisher", "administrator"])
    async def test_a_survey_begins_as_a_draft(self, feedback: Feedback, role: str) -> None:
        answer = await feedback.call("POST", "/v1/surveys", role, json=made())

        assert answer.status_code == 201
        assert answer.headers["etag"] == '"1"'
        assert answer.headers["steward-written"] == f"feedback/{answer.json()['id']}/1"
        assert answer.json() | {"id": ""} == {
            "id": "",
            "code": "ae",
            "title": {"en": "A&E experience"},
            "notice": {"en": "Simulated answers"},
            "state": "draft",
            "unit": "RF4",
            "unit_id": str(TRUST),
            "threshold": 10,
            "published_version": None,
        }

    async def test_others_are_told(self, feedback: Feedback) -> None:
        await feedback.open_survey()

        told = [json.loads(event["data"]) for event in await feedback.events("survey.changed")]

        assert [(each["state"], each["published_version"]) for each in told] == [
            ("draft", None),
            ("draft", 1),
            ("open", 1),
        ]
        assert told[-1]["notice"] == {"en": "Simulated answers"}
        assert told[-1]["unit_id"] == str(TRUST)
        assert [(each["question_id"], each["indicator_id"]) for each in told[-1]["scored"]] == [
            ("overall", str(EXPERIENCE))
        ]

    @pytest.mark.parametrize("role", ["analyst", "goal_leader", "auditor"])
    async def test_who_only_reads_may_not(self, feedback: Feedback, role: str) -> None:
        assert (await feedback.call("POST", "/v1/surveys", role, json=made())).status_code == 403

    async def test_a_code_is_never_used_twice(self, feedback: Feedback) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())

        answer = await feedback.call("POST", "/v1/surveys", OFFICER, json=made())

        assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")

    async def test_a_title_has_the_language_of_the_body(self, feedback: Feedback) -> None:
        answer = await feedback.call("POST", "/v1/surveys", OFFICER, json=made(title={"cy": "Profiad"}))

        assert answer.status_code == 422
        assert [error["where"] for error in answer.json()["errors"]] == ["/title"]

    async def test_the_same_key_makes_one_survey(self, feedback: Feedback) -> None:
        options: dict[str, Any] = {"json": made(), "headers": {"Idempotency-Key": "one"}}

        first = await feedback.call("POST", "/v1/surveys", OFFICER, **options)
        second = await feedback.call("POST", "/v1/surveys", OFFICER, **options)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()

    async def test_what_is_still_on_its_way_can_be_waited_for(self, feedback: Feedback) -> None:
        known, coming = f"goals/{TRUST}/1", f"goals/{new_id()}/1"

        ready = await feedback.call("POST", "/v1/surveys", OFFICER, json=made(), headers={"Steward-After": known})
        late = await feedback.call(
            "POST", "/v1/surveys?wait=0.1", OFFICER, json=made("b"), headers={"Steward-After": coming}
        )

        assert ready.status_code == 201
        assert (late.status_code, late.json()["code"]) == (503, "not_caught_up")


class TestForeignUnit:
    """A caller with the role for another part of the tree."""

    @pytest.mark.parametrize(("role", "status"), [(f"{OFFICER}@RJ1", 404), (f"{OFFICER}@north", 201)])
    async def test_a_survey_is_made_for_a_unit_of_ones_own(self, feedback: Feedback, role: str, status: int) -> None:
        assert (await feedback.call("POST", "/v1/surveys", role, json=made())).status_code == status

    @pytest.mark.parametrize(
        ("method", "path", "options"),
        [
            ("PATCH", "", {"json": {"threshold": 20}, "headers": {"If-Match": '"1"'}}),
            ("GET", "/versions", {}),
            ("POST", "/versions", {"json": {"questions": QUESTIONS}}),
            ("POST", "/versions/1:publish", {}),
            ("POST", ":open", {}),
            ("POST", ":close", {}),
        ],
    )
    async def test_a_foreign_survey_is_not_there(
        self, feedback: Feedback, method: str, path: str, options: dict[str, Any]
    ) -> None:
        code = await feedback.open_survey()

        answer = await feedback.call(method, f"/v1/surveys/{code}{path}", f"{OFFICER}@RJ1", **options)

        assert (answer.status_code, answer.json()["code"]) == (404, "survey_not_found")

    async def test_a_version_is_not_about_a_foreign_unit(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        body = {"questions": QUESTIONS, "unit": "RJ1"}

        answer = await feedback.call("POST", f"/v1/surveys/{code}/versions", f"{OFFICER}@north", json=body)

        assert answer.status_code == 404

    async def test_lists_hold_the_surveys_of_ones_own_units(self, feedback: Feedback) -> None:
        await feedback.open_survey("mine")
        await feedback.open_survey("theirs", unit="RJ1")

        async def listed(role: str) -> list[str]:
            return [each["code"] for each in (await feedback.call("GET", "/v1/surveys", role)).json()["items"]]

        assert await listed("analyst@RF4") == ["mine"]
        assert await listed("analyst") == ["mine", "theirs"]


class TestChangeSurvey:
    async def test_a_change_names_the_version_it_has_seen(self, feedback: Feedback) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())

        async def change(tag: str | None) -> int:
            headers = {"If-Match": tag} if tag else {}
            body = {"title": {"en": "Waiting"}, "notice": None}
            return (await feedback.call("PATCH", "/v1/surveys/ae", OFFICER, json=body, headers=headers)).status_code

        assert [await change(None), await change('"1"'), await change('"1"'), await change('W/"2"')] == [
            428,
            200,
            412,
            200,
        ]

    async def test_the_threshold_of_an_open_survey_is_only_raised(self, feedback: Feedback) -> None:
        await feedback.open_survey(threshold=30)

        async def threshold(value: int, tag: str) -> int:
            return (
                await feedback.call(
                    "PATCH", "/v1/surveys/ae", OFFICER, json={"threshold": value}, headers={"If-Match": tag}
                )
            ).status_code

        assert [await threshold(20, '"3"'), await threshold(40, '"3"')] == [409, 200]


class TestVersions:
    async def test_a_published_version_never_changes(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        again = await feedback.call("POST", f"/v1/surveys/{code}/versions/1:publish", OFFICER)

        assert (again.status_code, again.json()["code"]) == (409, "version_not_publishable")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never changed"):
            await feedback.rows("update feedback.survey_version set questions = '[]'")

    @pytest.mark.parametrize(
        "changed",
        [
            {**OVERALL, "indicator": "waiting"},
            {**HOURS, "id": "overall"},
            {**OVERALL, "options": [{**OVERALL["options"][0], "score": "50"}, *OVERALL["options"][1:]]},
        ],
        ids=["indicator", "kind", "score"],
    )
    async def test_an_id_keeps_its_meaning(self, feedback: Feedback, changed: dict[str, Any]) -> None:
        code = await feedback.open_survey()

        answer = await feedback.call("POST", f"/v1/surveys/{code}/versions", OFFICER, json={"questions": [changed]})

        assert (answer.status_code, answer.json()["code"]) == (422, "question_changed_meaning")

    async def test_everything_wrong_with_the_questions_is_named_at_once(self, feedback: Feedback) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())
        unscored = [{**option, "score": None} for option in OVERALL["options"]]
        questions = [
            {**OVERALL, "options": unscored},
            {**HOURS, "max": "0"},
            {**HOURS, "id": "other", "indicator": "waiting", "max": None},
            {**HOURS, "text": {"cy": "Sawl awr?"}},
        ]

        answer = await feedback.call("POST", "/v1/surveys/ae/versions", OFFICER, json={"questions": questions})

        assert answer.status_code == 422
        assert [error["where"] for error in answer.json()["errors"]] == [
            "/questions",
            "/questions/0/options",
            "/questions/1/max",
            "/questions/2/max",
            "/questions",
        ]

    async def test_an_indicator_nobody_knows_is_refused(self, feedback: Feedback) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())
        body = {"questions": [{**OVERALL, "indicator": "unheard-of"}]}

        answer = await feedback.call("POST", "/v1/surveys/ae/versions", OFFICER, json=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_here")

    @pytest.mark.parametrize("indicator", ["visits", "yearly"])
    async def test_what_cannot_take_a_score_is_not_fed(self, feedback: Feedback, indicator: str) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())
        body = {"questions": [HOURS, {**OVERALL, "indicator": indicator}]}

        answer = await feedback.call("POST", "/v1/surveys/ae/versions", OFFICER, json=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "broken_questionnaire")
        assert [error["where"] for error in answer.json()["errors"]] == ["/questions/1/indicator"]

    async def test_only_what_is_published_can_open(self, feedback: Feedback) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())

        assert (await feedback.call("POST", "/v1/surveys/ae:open", OFFICER)).status_code == 409

    async def test_closed_is_for_good(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.call("POST", f"/v1/surveys/{code}:close", OFFICER)

        assert (await feedback.call("POST", f"/v1/surveys/{code}:open", OFFICER)).status_code == 409

    async def test_all_versions_are_listed_for_those_who_make_them(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.call("POST", f"/v1/surveys/{code}/versions", OFFICER, json={"questions": QUESTIONS})

        answer = await feedback.call("GET", f"/v1/surveys/{code}/versions", "analyst")

        assert [(each["number"], each["published"]) for each in answer.json()["items"]] == [(1, True), (2, False)]
        assert {(each["survey"], each["unit"], each["unit_id"]) for each in answer.json()["items"]} == {
            (code, "RF4", str(TRUST))
        }
        assert answer.headers["etag"] == '"3"'


class TestReadSurvey:
    async def test_everybody_may_read_the_newest_version(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        await feedback.publish(code, [OVERALL])

        answer = await feedback.call("GET", f"/v1/surveys/{code}")

        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=60"
        survey = answer.json()
        assert (survey["version"], survey["state"], survey["languages"]) == (2, "open", ["en", "cy"])
        assert (survey["unit"], survey["unit_id"]) == ("RF4", str(TRUST))
        assert [question["id"] for question in survey["questions"]] == ["overall"]
        assert survey["questions"][0]["options"][0] == {
            "id": "very_good",
            "text": {"en": "very good", "cy": "very_good (cy)"},
            "score": "5",
        }
        assert survey["questions"][0]["indicator"] == {"id": str(EXPERIENCE), "code": "experience"}

    async def test_a_copy_that_is_still_good_is_not_sent_again(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        tag = (await feedback.call("GET", f"/v1/surveys/{code}")).headers["etag"]

        async def asked() -> int:
            return (await feedback.call("GET", f"/v1/surveys/{code}", headers={"If-None-Match": tag})).status_code

        assert await asked() == 304
        await feedback.publish(code, QUESTIONS)
        assert await asked() == 200

    async def test_a_draft_is_nobodys_business(self, feedback: Feedback) -> None:
        await feedback.call("POST", "/v1/surveys", OFFICER, json=made())

        assert (await feedback.call("GET", "/v1/surveys/ae")).status_code == 404
