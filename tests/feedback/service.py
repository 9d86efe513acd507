"""The feedback service as a test holds it."""

from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from services.feedback.scores.jobs import fold_answers
from services.feedback.settings import FeedbackSettings
from shared.database import SessionFactory
from tests.feedback.samples import QUESTIONS, SURVEY
from tests.fixtures.databases import Database
from tests.fixtures.doubles import Clock

_FILLED = ("score_cell", "fold", "scoring_queue", "response", "survey_version", "survey", "idempotency", "outbox")


@dataclass
class Feedback:
    """The service under test, its clock and its database."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    sessions: SessionFactory
    clock: Clock = field(init=False)

    async def call(self, method: str, path: str, role: str | None = None, **options: Any) -> httpx.Response:
        """One request, as somebody with a role or as anybody."""
        headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {role}"} if role else {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def open_survey(self, code: str = "ae", *, questions: Any = None, **changes: Any) -> str:
        """A survey that people can answer; its code."""
        officer = "performance_officer"
        made = await self.call("POST", "/v1/surveys", officer, json={**SURVEY, "code": code, **changes})
        assert made.status_code == 201, made.text
        await self.publish(code, questions or QUESTIONS)
        opened = await self.call("POST", f"/v1/surveys/{code}:open", officer)
        assert opened.status_code == 200, opened.text
        return code

    async def publish(self, code: str, questions: Any, **body: Any) -> int:
        """A new published version of a survey; its number."""
        officer = "performance_officer"
        version = await self.call(
            "POST", f"/v1/surveys/{code}/versions", officer, json={"questions": questions, **body}
        )
        assert version.status_code == 201, version.text
        number: int = version.json()["number"]
        published = await self.call("POST", f"/v1/surveys/{code}/versions/{number}:publish", officer)
        assert published.status_code == 200, published.text
        self.forget()
        return number

    async def answer(self, code: str, body: dict[str, Any]) -> httpx.Response:
        """Post one response, as a phone does."""
        return await self.call("POST", f"/v1/surveys/{code}/responses", json=body)

    async def fold(self, *, final_grace: Any = FeedbackSettings.model_fields["final_grace"].default) -> None:
        """One step of the folder."""
        while await fold_answers(self.sessions, now=self.clock.now, final_grace=final_grace):
            pass

    async def wipe(self) -> None:
        """Forget every survey and all that came of it; the body stays."""
        # Not truncate: it would wait for whoever reads two of the tables, who would wait for it.
        # A replica's role, because a trigger keeps what was published from being deleted.
        deletions = "; ".join(f"delete from feedback.{table}" for table in _FILLED)
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            await connection.execute(f"set session_replication_role = replica; {deletions}")
        finally:
            await connection.close()
        self.forget()

    def forget(self) -> None:
        """Let the service read surveys anew, as it does each half second."""
        self.app.state.surveys._known.clear()

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """What the database holds."""
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()

    async def events(self, type_: str) -> list[asyncpg.Record]:
        """What the service has said of one type and nobody has numbered yet, oldest first."""
        return await self.rows("select * from feedback.outbox where type like $1 order by id", f"%.{type_}.v1")
