"""The form without a script."""

import json
import re

import httpx

from tests.feedback.samples import IMPROVE, OVERALL, QUESTIONS
from tests.feedback.service import Feedback

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


async def form(feedback: Feedback, code: str, **options: str) -> tuple[httpx.Response, dict[str, str]]:
    page = await feedback.call("GET", f"/surveys/{code}", params=options)
    return page, dict(HIDDEN.findall(page.text))


async def send(feedback: Feedback, code: str, fields: dict[str, str]) -> httpx.Response:
    return await feedback.call("POST", f"/surveys/{code}", data=fields)


class TestSurveyForm:
    async def test_it_asks_every_question_without_a_script(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        page, hidden = await form(feedback, code)

        assert page.status_code == 200
        assert "<script" not in page.text
        assert page.text.count('type="radio"') == 6
        assert 'name="answer.hours"' in page.text
        assert "<textarea" in page.text
        assert "Simulated answers" in page.text
        assert (hidden["version"], hidden["language"]) == ("1", "en")
        assert page.headers["cache-control"] == "private, no-store"

    async def test_texts_are_shown_as_text(self, feedback: Feedback) -> None:
        nasty = {"en": "<script>alert(1)</script>"}
        code = await feedback.open_survey(
            questions=[{**OVERALL, "text": nasty}, {**IMPROVE, "text": nasty}], title=nasty
        )

        page, _ = await form(feedback, code)

        assert "<script" not in page.text
        assert page.text.count("&lt;script&gt;") >= 3

    async def test_it_speaks_a_language_of_the_survey(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        page, hidden = await form(feedback, code, language="cy")

        assert "Sut oedd ein gwasanaeth?" in page.text
        assert hidden["language"] == "cy"

    async def test_a_closed_survey_says_so(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        _, hidden = await form(feedback, code)
        await feedback.call("POST", f"/v1/surveys/{code}:close", "performance_officer")
        feedback.forget()

        page, _ = await form(feedback, code)
        sent = await send(feedback, code, {**hidden, "answer.overall": "good"})

        assert (page.status_code, sent.status_code) == (410, 410)
        assert "takes no more answers" in page.text


class TestSendSurveyForm:
    async def test_it_stores_what_a_phone_would_have_stored(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        _, hidden = await form(feedback, code)
        fields = {**hidden, "answer.overall": "good", "answer.hours": " 2.50 ", "answer.improve": ""}

        answer = await send(feedback, code, fields)

        assert answer.status_code == 303
        thanks = await feedback.call("GET", answer.headers["location"])
        assert (thanks.status_code, "Thank you" in thanks.text) == (200, True)
        assert "in steps of at least ten" in thanks.text
        (row,) = await feedback.rows("select * from feedback.response")
        assert (str(row["id"]), json.loads(row["answers"])) == (hidden["id"], {"overall": "good", "hours": "2.5"})

    async def test_a_second_press_of_the_button_is_a_repeat(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        _, hidden = await form(feedback, code)
        fields = {**hidden, "answer.overall": "good"}

        assert [(await send(feedback, code, fields)).status_code for _ in range(2)] == [303, 303]
        assert len(await feedback.rows("select from feedback.response")) == 1

    async def test_going_back_and_changing_ones_mind_is_told_from_a_repeat(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        _, hidden = await form(feedback, code)
        await send(feedback, code, {**hidden, "answer.overall": "good"})

        answer = await send(feedback, code, {**hidden, "answer.overall": "poor"})

        assert answer.status_code == 409
        assert "were not stored" in answer.text

    async def test_what_does_not_fit_comes_back_beside_its_question_with_everything_kept(
        self, feedback: Feedback
    ) -> None:
        code = await feedback.open_survey()
        _, hidden = await form(feedback, code)

        page = await send(feedback, code, {**hidden, "answer.hours": "many", "answer.improve": "More chairs & <tea>"})

        assert page.status_code == 422
        assert "<title>Error: " in page.text
        assert 'href="#answer-overall"' in page.text
        assert 'href="#answer-hours"' in page.text
        assert 'id="answer-hours-error"' in page.text
        assert 'value="many"' in page.text
        assert "More chairs &amp; &lt;tea&gt;</textarea>" in page.text
        assert dict(HIDDEN.findall(page.text)) == hidden
        assert await feedback.rows("select from feedback.response") == []

    async def test_a_form_opened_before_a_new_version_is_still_taken(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()
        _, hidden = await form(feedback, code)
        await feedback.publish(code, QUESTIONS)

        assert (await send(feedback, code, {**hidden, "answer.overall": "good"})).status_code == 303
        (row,) = await feedback.rows("select version from feedback.response")
        assert row["version"] == 1

    async def test_a_form_without_its_hidden_fields_is_no_error_of_ours(self, feedback: Feedback) -> None:
        code = await feedback.open_survey()

        assert (await send(feedback, code, {"answer.overall": "good", "version": "x"})).status_code == 303
        assert (await send(feedback, code, {})).status_code == 422
