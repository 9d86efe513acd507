"""Units and their tree."""

import asyncio
from typing import Any

import pytest

from tests.goals.service import OFFICER, Goals, codes

NEW = {"code": "d", "name": {"en": "Trust D"}, "parent": "north", "level": "organisation"}


async def read(goals: Goals, key: str) -> tuple[dict[str, Any], str]:
    answer = await goals.get(f"/v1/units/{key}")
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["etag"]


class TestCreateUnit:
    async def test_it_is_read_by_id_and_by_code(self, goals: Goals) -> None:
        made = await goals.made("/v1/units", NEW)

        assert (await read(goals, made["id"]))[0] == made
        assert (await read(goals, "d"))[0] == made
        assert (made["parent"], made["valid_from"], made["valid_to"]) == ("north", "1900-01-01", None)

    async def test_it_is_told_as_it_stands(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", NEW)

        (told,) = await goals.told("unit.changed")
        assert answer.headers["steward-written"] == f"goals/{told['subject']}/1"
        assert answer.headers["etag"] == '"1"'

    async def test_a_code_is_never_used_twice(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", {**NEW, "code": "a"})

        assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")

    async def test_a_code_is_not_shaped_like_an_id(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", {**NEW, "code": "0197f0c0-0000-7000-8000-000000000001"})

        assert answer.status_code == 422
        assert "/code" in codes(answer.json())

    async def test_a_name_that_is_bare_text_is_told_the_form(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", {**NEW, "name": "Trust D"})

        assert answer.status_code == 422
        assert codes(answer.json()) == {
            "/name": 'an object from language tag to text, such as {"en": "Four-hour waits"}'
        }

    async def test_its_name_needs_the_default_language(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", {**NEW, "name": {"fr": "Trust D"}})

        assert answer.status_code == 422
        assert codes(answer.json()) == {"/name": "a text with at least the language 'en'"}

    async def test_it_cannot_end_before_it_begins(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", {**NEW, "valid_from": "2019-01-02", "valid_to": "2019-01-01"})

        assert answer.status_code == 422
        assert "/valid_to" in codes(answer.json())

    async def test_an_unknown_field_is_refused(self, goals: Goals) -> None:
        answer = await goals.post("/v1/units", {**NEW, "version": 7})

        assert answer.status_code == 422
        assert "/version" in codes(answer.json())

    async def test_the_same_key_makes_it_once(self, goals: Goals) -> None:
        first = await goals.post("/v1/units", NEW, Idempotency_Key="k1")
        again = await goals.post("/v1/units", NEW, Idempotency_Key="k1")

        assert (again.status_code, again.json()) == (201, first.json())
        assert len(await goals.told("unit.changed")) == 1

    async def test_a_data_provider_may_not(self, goals: Goals) -> None:
        assert (await goals.post("/v1/units", NEW, "data_provider")).status_code == 403


class TestCreateUnits:
    async def test_a_bad_item_harms_no_good_one(self, goals: Goals) -> None:
        results = await goals.batch(
            "/v1/units:batch",
            [NEW, {**NEW, "code": "d"}, {**NEW, "code": "e", "parent": "nowhere"}, {**NEW, "code": "f", "level": 3}, 7],
        )

        assert [result["status"] for result in results] == [201, 409, 404, 422, 422]
        assert "written" in results[0]
        assert "/level" in codes(results[3]["problem"])
        assert len(await goals.told("unit.changed")) == 1

    async def test_an_item_may_stand_below_one_before_it(self, goals: Goals) -> None:
        results = await goals.batch("/v1/units:batch", [NEW, {**NEW, "code": "d1", "parent": "d"}])

        assert [result["status"] for result in results] == [201, 201]
        assert (await read(goals, "d1"))[0]["parent"] == "d"

    async def test_an_unknown_field_names_those_there_are(self, goals: Goals) -> None:
        (result,) = await goals.batch("/v1/units:batch", [{**NEW, "colour": "red"}])

        assert "valid_from" in codes(result["problem"])["/colour"]


class TestChangeUnit:
    async def test_a_text_is_merged_by_language(self, goals: Goals) -> None:
        _, etag = await read(goals, "a")

        changed = await goals.patch("/v1/units/a", {"name": {"fr": "Trust A (fr)"}}, etag)

        assert changed.json()["name"] == {"en": "Trust A", "fr": "Trust A (fr)"}
        assert (changed.headers["etag"], changed.json()["version"]) == ('"2"', 2)

    async def test_the_default_language_cannot_be_taken_away(self, goals: Goals) -> None:
        _, etag = await read(goals, "a")

        answer = await goals.patch("/v1/units/a", {"name": {"en": None, "fr": "A"}}, etag)

        assert answer.status_code == 422
        assert "/name" in codes(answer.json())

    async def test_null_clears_what_is_optional(self, goals: Goals) -> None:
        await goals.patch("/v1/units/a", {"valid_to": "2020-01-01"}, '"1"')

        cleared = await goals.patch("/v1/units/a", {"valid_to": None}, '"2"')

        assert cleared.json()["valid_to"] is None

    async def test_null_does_not_clear_what_is_required(self, goals: Goals) -> None:
        answer = await goals.patch("/v1/units/a", {"parent": None}, '"1"')

        assert answer.status_code == 422
        assert "/parent" in codes(answer.json())

    async def test_a_code_never_changes(self, goals: Goals) -> None:
        assert (await goals.patch("/v1/units/a", {"code": "z"}, '"1"')).status_code == 422

    async def test_it_needs_the_version_that_was_read(self, goals: Goals) -> None:
        assert (await goals.patch("/v1/units/a", {"level": "trust"}, None)).status_code == 428

    async def test_somebody_elses_change_is_not_overwritten(self, goals: Goals) -> None:
        await goals.patch("/v1/units/a", {"level": "trust"}, '"1"')

        answer = await goals.patch("/v1/units/a", {"level": "hospital"}, '"1"')

        assert (answer.status_code, answer.json()["current_version"]) == (412, 2)
        assert (await read(goals, "a"))[0]["level"] == "trust"

    async def test_a_move_marks_what_stood_above_before_and_after(self, goals: Goals) -> None:
        answer = await goals.patch("/v1/units/a", {"parent": "south"}, '"1"')

        assert answer.json()["parent"] == "south"
        assert {unit for _, unit, _ in await goals.dirty()} == {"a", "north", "south", "nhs"}

    async def test_a_new_name_marks_nothing(self, goals: Goals) -> None:
        await goals.patch("/v1/units/a", {"name": {"en": "A"}}, '"1"')

        assert await goals.dirty() == []

    @pytest.mark.parametrize("parent", ["north", "a"])
    async def test_a_unit_cannot_stand_below_itself(self, goals: Goals, parent: str) -> None:
        answer = await goals.patch("/v1/units/north", {"parent": parent}, '"1"')

        assert (answer.status_code, answer.json()["code"]) == (422, "tree_would_be_cyclic")

    async def test_two_moves_at_once_make_no_circle(self, goals: Goals) -> None:
        answers = await asyncio.gather(
            goals.patch("/v1/units/north", {"parent": "south"}, '"1"'),
            goals.patch("/v1/units/south", {"parent": "north"}, '"1"'),
        )

        assert sorted(answer.status_code for answer in answers) == [200, 422]

    async def test_the_root_stays_the_root(self, goals: Goals) -> None:
        answer = await goals.patch("/v1/units/nhs", {"parent": "a"}, '"1"')

        assert (answer.status_code, answer.json()["code"]) == (422, "root_stays")


class TestScope:
    ROLE = f"{OFFICER}@north"

    async def test_a_caller_sees_its_unit_and_those_below(self, goals: Goals) -> None:
        listed = (await goals.get("/v1/units", self.ROLE)).json()["items"]

        assert [unit["code"] for unit in listed] == ["a", "b", "north"]

    async def test_a_foreign_unit_in_the_path_is_not_there(self, goals: Goals) -> None:
        assert (await goals.get("/v1/units/c", self.ROLE)).status_code == 404
        assert (await goals.get(f"/v1/units/{await goals.unit_id('c')}", self.ROLE)).status_code == 404

    async def test_a_foreign_unit_cannot_be_changed_whatever_its_version(self, goals: Goals) -> None:
        assert (await goals.patch("/v1/units/c", {"level": "x"}, '"1"', self.ROLE)).status_code == 404
        assert (await goals.patch("/v1/units/c", {"level": "x"}, '"99"', self.ROLE)).status_code == 404

    async def test_nothing_is_added_below_a_foreign_unit(self, goals: Goals) -> None:
        assert (await goals.post("/v1/units", {**NEW, "parent": "south"}, self.ROLE)).status_code == 404

    async def test_nor_by_an_item_of_a_batch(self, goals: Goals) -> None:
        results = await goals.batch("/v1/units:batch", [NEW, {**NEW, "code": "e", "parent": "south"}], self.ROLE)

        assert [result["status"] for result in results] == [201, 404]

    async def test_a_unit_cannot_be_moved_below_a_foreign_one(self, goals: Goals) -> None:
        assert (await goals.patch("/v1/units/a", {"parent": "south"}, '"1"', self.ROLE)).status_code == 404

    async def test_a_foreign_filter_is_not_there(self, goals: Goals) -> None:
        assert (await goals.get("/v1/units", self.ROLE, parent="south")).status_code == 404


class TestListUnits:
    async def test_a_walk_meets_each_unit_once(self, goals: Goals) -> None:
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await goals.get("/v1/units", limit=2, **cursor)).json()
            seen += [unit["code"] for unit in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}

        assert seen == ["a", "b", "c", "nhs", "north", "south"]

    async def test_it_is_filtered_and_sorted_by_what_it_states(self, goals: Goals) -> None:
        listed = (await goals.get("/v1/units", level="region", sort="-code")).json()["items"]

        assert [unit["code"] for unit in listed] == ["south", "north"]
        assert (await goals.get("/v1/units", sort="name")).status_code == 400
