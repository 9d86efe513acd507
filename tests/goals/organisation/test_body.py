"""Founding the body."""

import json
from datetime import datetime

import pytest

from services.goals.organisation.errors import AnotherBody
from services.goals.organisation.operations import establish_body
from services.goals.organisation.tables import Body
from shared.database import transaction
from shared.errors import InvalidInput
from tests.goals.service import Goals


async def establish(goals: Goals, now: datetime, **changes: object) -> Body:
    given = {
        "slug": "nhs",
        "name": {"en": "NHS"},
        "language": "en",
        "time_zone": "Europe/London",
        "start_month": 4,
        **changes,
    }
    async with transaction(goals.sessions) as session:
        return await establish_body(session, **given, now=now)  # type: ignore[arg-type]  # the words are given above


class TestEstablishBody:
    async def test_it_comes_with_a_root_unit_and_a_calendar(self, empty_goals: Goals, now: datetime) -> None:
        body = await establish(empty_goals, now)

        shown = (await empty_goals.get("/v1/body")).json()
        assert (shown["slug"], shown["default_language"]) == ("nhs", "en")
        root = (await empty_goals.get("/v1/units/nhs")).json()
        assert (root["id"], root["parent"]) == (str(body.root_unit_id), None)
        assert (shown["root_unit_id"], shown["root_unit"]) == (root["id"], root["code"])
        calendar = (await empty_goals.get("/v1/calendars/main")).json()
        assert (calendar["start_month"], calendar["time_zone"]) == (4, "Europe/London")

    async def test_it_tells_body_unit_and_calendar(self, empty_goals: Goals, now: datetime) -> None:
        body = await establish(empty_goals, now)

        (told,) = await empty_goals.told("body.changed")
        assert (told["subject"], told["subject_version"]) == (body.id, 1)
        assert json.loads(told["data"])["root_unit_id"] == str(body.root_unit_id)
        assert len(await empty_goals.told("unit.changed")) == 1
        assert len(await empty_goals.told("calendar.changed")) == 1

    async def test_a_second_time_changes_nothing(self, empty_goals: Goals, now: datetime) -> None:
        first = await establish(empty_goals, now)

        again = await establish(empty_goals, now, name={"en": "Other"})

        assert (again.id, again.name) == (first.id, {"en": "NHS"})
        assert len(await empty_goals.told("body.changed")) == 1

    async def test_a_deployment_serves_one_body(self, empty_goals: Goals, now: datetime) -> None:
        await establish(empty_goals, now)

        with pytest.raises(AnotherBody):
            await establish(empty_goals, now, slug="police")

    async def test_its_name_needs_its_language(self, empty_goals: Goals, now: datetime) -> None:
        with pytest.raises(InvalidInput) as refused:
            await establish(empty_goals, now, name={"fr": "Le NHS"})

        assert [field.where for field in refused.value.fields] == ["/name"]

    async def test_without_a_body_the_answer_says_so(self, empty_goals: Goals) -> None:
        answer = await empty_goals.get("/v1/body")

        assert (answer.status_code, answer.json()["code"]) == (404, "no_body")
