"""Nothing that could say who answered leaves the row of the answers."""

import pytest

from shared.database import pool_for
from shared.messaging.sequencer import sequence_once
from tests.feedback.samples import response
from tests.feedback.service import Feedback

PLANTED = {
    "X-Request-Id": "planted-request-id",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "User-Agent": "planted-agent",
    "X-Forwarded-For": "203.0.113.77",
}
SECRETS = [*PLANTED.values(), "0af7651916cd43dd8448eb211c80319c", "planted.person@example.org"]
TABLES = """
select table_name from information_schema.tables where table_schema = 'feedback' and table_type = 'BASE TABLE'
"""


async def test_no_table_no_event_and_no_log_line_tells_who_answered(
    own_feedback: Feedback, capsys: pytest.CaptureFixture[str]
) -> None:
    feedback = own_feedback
    code = await feedback.open_survey()
    before = await feedback.rows("select id from feedback.outbox")
    bodies = [response(answers={"overall": "good", "improve": "planted.person@example.org"}) for _ in range(12)]
    for body in bodies:
        answer = await feedback.call("POST", f"/v1/surveys/{code}/responses", json=body, headers=PLANTED)
        assert answer.status_code == 201
    bad = response(answers={"overall": "planted.person@example.org"})
    refused = await feedback.call("POST", f"/v1/surveys/{code}/responses", json=bad, headers=PLANTED)
    assert "planted.person@example.org" not in refused.text

    await feedback.fold()
    async with pool_for(feedback.database.url, schema="feedback") as pool:
        while await sequence_once(pool, schema="feedback", now=feedback.clock.now):
            pass

    # One release for twelve answers, whatever came before; and of the answers nothing.
    (log,) = await feedback.rows("select count(*) as events from feedback.event_log")
    assert log["events"] == len(before) + 1
    for row in await feedback.rows(TABLES):
        table = row["table_name"]
        held = str([dict(each) for each in await feedback.rows(f"select * from feedback.{table}")])
        allowed = "planted.person@example.org" if table == "response" else None
        assert [secret for secret in SECRETS if secret in held and secret != allowed] == [], table
        if table != "response":
            assert [body["id"] for body in bodies if body["id"] in held] == [], table
    printed = capsys.readouterr()
    assert "planted.person@example.org" not in printed.out + printed.err
    assert "203.0.113.77" not in printed.out + printed.err
