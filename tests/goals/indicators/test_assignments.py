"""Who is expected to report what."""

import asyncio
from datetime import date
from typing import Any

import pytest

from services.goals.indicators.domain import Span
from tests.goals.service import OFFICER, Goals, codes

NORTH = f"{OFFICER}@north"


def assignment(unit: str = "a", **changes: Any) -> dict[str, Any]:
    return {"indicator": "waits", "unit": unit, "valid_from": "2016-04-01", **changes}


class TestCreateAssignment:
    async def test_it_is_listed_with_ids_and_codes(self, goals: Goals) -> None:
        made = await goals.made("/v1/assignments", assignment(valid_to="2019-03-31"))

        (listed,) = (await goals.get("/v1/assignments", unit="a", indicator="waits")).json()["items"]
        assert listed == made == (await goals.get(f"/v1/assignments/{made['id']}")).json()
        assert (made["unit"], made["unit_id"]) == ("a", str(await goals.unit_id("a")))

    async def test_it_is_told_and_marks_the_series(self, goals: Goals) -> None:
        answer = await goals.post("/v1/assignments", assignment())

        (told,) = await goals.told("assignment.changed")
        assert answer.headers["steward-written"] == f"goals/{told['subject']}/1"
        assert await goals.dirty() == [("waits", "a", None)]
        (mark,) = await goals.rows("select cause_event_id from goals.dirty")
        assert mark["cause_event_id"] == told["event_id"]

    async def test_days_that_are_assigned_already_are_refused(self, goals: Goals) -> None:
        await goals.made("/v1/assignments", assignment(valid_to="2019-03-31"))

        overlapping = await goals.post("/v1/assignments", assignment(valid_from="2019-03-31"))
        following = await goals.post("/v1/assignments", assignment(valid_from="2019-04-01"))

        assert (overlapping.status_code, overlapping.json()["code"]) == (409, "already_assigned")
        assert following.status_code == 201

    async def test_two_at_once_are_not_both_kept(self, goals: Goals) -> None:
        answers = await asyncio.gather(
            *(goals.post("/v1/assignments", assignment(valid_from=f"2016-04-0{day}")) for day in range(1, 5))
        )

        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]

    async def test_it_cannot_end_before_it_begins(self, goals: Goals) -> None:
        answer = await goals.post("/v1/assignments", assignment(valid_to="2016-03-31"))

        assert answer.status_code == 422
        assert "/valid_to" in codes(answer.json())

    async def test_a_foreign_unit_is_not_there(self, goals: Goals) -> None:
        assert (await goals.post("/v1/assignments", assignment("c"), NORTH)).status_code == 404

    async def test_nor_is_an_unknown_indicator(self, goals: Goals) -> None:
        answer = await goals.post("/v1/assignments", assignment(indicator="none"))

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_indicator")


class TestCreateAssignments:
    async def test_a_bad_item_harms_no_good_one(self, goals: Goals) -> None:
        items = [assignment("a"), assignment("a"), assignment("c"), assignment("b", valid_from="soon", id="mine")]

        results = await goals.batch("/v1/assignments:batch", items, NORTH)

        assert [result["status"] for result in results] == [201, 409, 404, 422]
        assert results[3]["id"] == "mine"
        assert "/valid_from" in codes(results[3]["problem"])
        assert len((await goals.get("/v1/assignments")).json()["items"]) == 1


class TestChangeAssignment:
    async def test_an_end_is_set_told_and_marked(self, goals: Goals) -> None:
        made = await goals.made("/v1/assignments", assignment())
        await goals.forget()

        answer = await goals.patch(f"/v1/assignments/{made['id']}", {"valid_to": "2018-12-31"}, '"1"')

        assert (answer.json()["valid_to"], answer.json()["version"]) == ("2018-12-31", 2)
        assert [told["subject_version"] for told in await goals.told("assignment.changed")] == [2]
        assert await goals.dirty() == [("waits", "a", None)]

    async def test_lifting_the_end_does_not_run_into_the_next_one(self, goals: Goals) -> None:
        made = await goals.made("/v1/assignments", assignment(valid_to="2017-03-31"))
        await goals.made("/v1/assignments", assignment(valid_from="2018-04-01"))

        answer = await goals.patch(f"/v1/assignments/{made['id']}", {"valid_to": None}, '"1"')

        assert answer.status_code == 409

    async def test_it_needs_the_version_that_was_read(self, goals: Goals) -> None:
        made = await goals.made("/v1/assignments", assignment())
        path = f"/v1/assignments/{made['id']}"

        assert (await goals.patch(path, {"valid_to": None}, None)).status_code == 428
        assert (await goals.patch(path, {"valid_to": None}, '"2"')).status_code == 412

    async def test_one_of_a_foreign_unit_is_not_there(self, goals: Goals) -> None:
        made = await goals.made("/v1/assignments", assignment("c"))
        path = f"/v1/assignments/{made['id']}"

        assert (await goals.get(path, NORTH)).status_code == 404
        assert (await goals.patch(path, {"valid_to": None}, '"1"', NORTH)).status_code == 404
        assert (await goals.get("/v1/assignments", NORTH)).json()["items"] == []
        assert (await goals.get("/v1/assignments", NORTH, unit="c")).status_code == 404


class TestSpan:
    @pytest.mark.parametrize(
        ("other", "shares_a_day"),
        [
            (Span(date(2019, 3, 31)), True),
            (Span(date(2019, 4, 1)), False),
            (Span(date(2010, 1, 1), date(2016, 4, 1)), True),
            (Span(date(2010, 1, 1), date(2016, 3, 31)), False),
            (Span(date(2010, 1, 1)), True),
        ],
    )
    def test_two_overlap_if_they_share_a_day(self, other: Span, shares_a_day: bool) -> None:
        span = Span(date(2016, 4, 1), date(2019, 3, 31))

        assert span.overlaps(other) is other.overlaps(span) is shares_a_day
