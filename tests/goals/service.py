"""The goals service as a test holds it: on a database of its own, with a small body."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy import event

from shared.database import SessionFactory
from tests.fixtures.databases import Database
from tests.fixtures.doubles import Clock

OFFICER = "performance_officer"
PROVIDER = "data_provider"

UNITS = [
    {"code": "north", "name": {"en": "North"}, "parent": "nhs", "level": "region"},
    {"code": "south", "name": {"en": "South"}, "parent": "nhs", "level": "region"},
    {"code": "a", "name": {"en": "Trust A"}, "parent": "north", "level": "organisation"},
    {"code": "b", "name": {"en": "Trust B"}, "parent": "north", "level": "organisation"},
    {"code": "c", "name": {"en": "Trust C"}, "parent": "south", "level": "organisation"},
]
WAITS = {
    "code": "waits",
    "name": {"en": "Four-hour waits"},
    "definition": {"en": "Attendances that took four hours or less"},
    "direction": "increase",
    "unit_of_measure": {"en": "%"},
    "ratio": {"numerator": {"en": "Within four hours"}, "denominator": {"en": "Attendances"}},
    "aggregation_over_time": "pooled_ratio",
    "aggregation_over_units": "pooled_ratio",
    "disclosure_class": "open",
    "frequency": "month",
}
VISITS = {
    "code": "visits",
    "name": {"en": "Attendances"},
    "definition": {"en": "People who came"},
    "direction": "neutral",
    "unit_of_measure": {"en": "people"},
    "aggregation_over_time": "sum",
    "aggregation_over_units": "sum",
    "disclosure_class": "internal",
    "frequency": "month",
}


def month(start: str) -> dict[str, str]:
    """A month as a request has it: `month("2019-03")`."""
    return {"frequency": "month", "start": f"{start}-01"}


def waits(unit: str = "a", period: str = "2019-03", **changes: Any) -> dict[str, Any]:
    """A measurement of the ratio."""
    return {
        "indicator": "waits",
        "unit": unit,
        "period": month(period),
        "numerator": "80",
        "denominator": "100",
        **changes,
    }


def visits(unit: str = "a", period: str = "2019-03", value: str | None = "1.50", **changes: Any) -> dict[str, Any]:
    """A measurement of the number that is no ratio."""
    return {"indicator": "visits", "unit": unit, "period": month(period), "value": value, **changes}


_FILLED = (
    "idempotency",
    "outbox",
    "dirty",
    "score_intake",
    "measurement",
    "target",
    "series",
    "assignment",
    "indicator",
    "role_assignment",
    "principal",
    "body",
    "unit",
    "calendar",
)


@dataclass
class Goals:
    """The service under test, its clock and its database."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    sessions: SessionFactory
    clock: Clock = field(default_factory=lambda: Clock(datetime(2026, 3, 2, tzinfo=UTC)))

    async def call(self, method: str, path: str, role: str | None = OFFICER, **options: Any) -> httpx.Response:
        """One request, as somebody with a role or as anybody."""
        headers = {**({"Authorization": f"Bearer {role}"} if role else {}), **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, role: str | None = OFFICER, **params: Any) -> httpx.Response:
        """Read something."""
        return await self.call("GET", path, role, params=params)

    async def post(self, path: str, body: Any, role: str | None = OFFICER, **headers: str) -> httpx.Response:
        """Make something."""
        return await self.call(
            "POST", path, role, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def patch(self, path: str, body: Any, etag: str | None, role: str = OFFICER) -> httpx.Response:
        """Change something that was read with this ETag."""
        return await self.call("PATCH", path, role, json=body, headers={"If-Match": etag} if etag else {})

    async def made(self, path: str, body: Any, role: str = OFFICER) -> dict[str, Any]:
        """Make something that can be made."""
        answer = await self.post(path, body, role)
        assert answer.status_code == 201, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def batch(self, path: str, items: list[Any], role: str = OFFICER) -> list[dict[str, Any]]:
        """The results of a batch."""
        answer = await self.post(path, {"items": items}, role)
        assert answer.status_code == 207, answer.text
        results: list[dict[str, Any]] = answer.json()["items"]
        assert [result["index"] for result in results] == list(range(len(items)))
        return results

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What the service asks its database meanwhile."""
        asked: list[str] = []

        def note(_: object, __: object, statement: str, *___: object) -> None:
            asked.append(statement)

        engine = self.app.state.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield asked
        finally:
            event.remove(engine, "before_cursor_execute", note)

    async def rows(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """What the database holds, as its administrator sees it."""
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def wipe(self) -> None:
        """Empty every table that a test may have filled, from the ones that point to others on."""
        for table in _FILLED:
            await self.rows(f"delete from goals.{table}")

    async def told(self, name: str) -> list[asyncpg.Record]:
        """The events of a type, oldest first, with their data."""
        sql = "select *, data::jsonb as json from goals.outbox where type = $1 order by id"
        return await self.rows(sql, f"steward.goals.{name}.v1")

    async def forget(self) -> None:
        """Take events and marks away, so that those to come stand alone."""
        await self.rows("delete from goals.outbox")
        await self.rows("delete from goals.dirty")

    async def dirty(self) -> list[tuple[str | None, str | None, str | None]]:
        """What is marked: codes of indicator and unit, and the first day of the period; None stands for all."""
        rows = await self.rows(
            "select i.code as indicator, u.code as unit, d.period_start::text as start from goals.dirty d "
            "left join goals.indicator i on i.id = d.indicator_id "
            "left join goals.unit u on u.id = d.unit_id order by d.id"
        )
        return [(row["indicator"], row["unit"], row["start"]) for row in rows]

    async def unit_id(self, code: str) -> UUID:
        """The id of a unit."""
        (row,) = await self.rows("select id from goals.unit where code = $1", code)
        return UUID(str(row["id"]))

    async def indicator_id(self, code: str) -> UUID:
        """The id of an indicator."""
        (row,) = await self.rows("select id from goals.indicator where code = $1", code)
        return UUID(str(row["id"]))


def codes(problem: dict[str, Any]) -> dict[str, str]:
    """Where a problem says that something is wrong, with what would be accepted."""
    return {each["where"]: each["accepted"] for each in problem.get("errors", [])}
