"""Indicators."""

from typing import Any

import pytest

from tests.goals.service import OFFICER, VISITS, WAITS, Goals, codes


class TestCreateIndicator:
    async def test_it_is_read_by_id_and_by_code(self, goals: Goals) -> None:
        made = await goals.made("/v1/indicators", {**WAITS, "code": "w2"})

        assert (await goals.get("/v1/indicators/w2")).json() == made
        assert (await goals.get(f"/v1/indicators/{made['id']}")).json() == made
        assert (made["ratio"]["factor"], made["calendar"], made["decimals"]) == ("100", "main", 2)

    async def test_it_is_told_as_it_stands(self, goals: Goals) -> None:
        answer = await goals.post("/v1/indicators", {**WAITS, "code": "w2"})

        (told,) = await goals.told("indicator.changed")
        assert answer.headers["steward-written"] == f"goals/{told['subject']}/1"

    async def test_a_code_is_never_used_twice(self, goals: Goals) -> None:
        answer = await goals.post("/v1/indicators", WAITS)

        assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")

    async def test_every_text_needs_the_default_language(self, goals: Goals) -> None:
        french = {"fr": "x"}
        answer = await goals.post(
            "/v1/indicators",
            {
                **WAITS,
                "code": "w2",
                "name": french,
                "definition": french,
                "notice": french,
                "unit_of_measure": french,
                "ratio": {"numerator": french, "denominator": french},
            },
        )

        assert answer.status_code == 422
        assert set(codes(answer.json())) == {
            "/name",
            "/definition",
            "/notice",
            "/unit_of_measure",
            "/ratio/numerator",
            "/ratio/denominator",
        }

    @pytest.mark.parametrize(
        ("indicator", "axis", "rule"),
        [
            (WAITS, "time", "mean"),
            (WAITS, "units", "sum"),
            (WAITS, "units", "last"),
            (VISITS, "time", "pooled_ratio"),
            (VISITS, "units", "last"),
        ],
    )
    async def test_a_rule_by_which_it_cannot_add_up_is_refused(
        self, goals: Goals, indicator: dict[str, Any], axis: str, rule: str
    ) -> None:
        answer = await goals.post("/v1/indicators", {**indicator, "code": "x", f"aggregation_over_{axis}": rule})

        assert (answer.status_code, answer.json()["code"]) == (422, "aggregation_does_not_fit")
        assert list(codes(answer.json())) == [f"/aggregation_over_{axis}"]

    async def test_a_factor_is_text_and_more_than_nothing(self, goals: Goals) -> None:
        for factor in (100, "0", "-1"):
            ratio = {**WAITS["ratio"], "factor": factor}  # type: ignore[dict-item]  # JSON is not typed here
            answer = await goals.post("/v1/indicators", {**WAITS, "code": "x", "ratio": ratio})

            assert answer.status_code == 422, factor

    async def test_its_calendar_has_to_exist(self, goals: Goals) -> None:
        answer = await goals.post("/v1/indicators", {**WAITS, "code": "x", "calendar": "lunar"})

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_calendar")

    async def test_it_holds_for_all_so_a_role_for_a_part_will_not_do(self, goals: Goals) -> None:
        answer = await goals.post("/v1/indicators", {**WAITS, "code": "x"}, f"{OFFICER}@north")

        assert (answer.status_code, answer.json()["code"]) == (403, "body_wide_only")


class TestChangeIndicator:
    async def test_the_fields_sent_change_and_the_others_stay(self, goals: Goals) -> None:
        before = (await goals.get("/v1/indicators/waits")).json()

        answer = await goals.patch("/v1/indicators/waits", {"notice": {"en": "Provisional"}, "decimals": 1}, '"1"')

        assert answer.json() == {**before, "notice": {"en": "Provisional"}, "decimals": 1, "version": 2}
        assert [told["subject_version"] for told in await goals.told("indicator.changed")] == [2]

    async def test_null_clears_the_notice_and_nothing_required(self, goals: Goals) -> None:
        await goals.patch("/v1/indicators/waits", {"notice": {"en": "Provisional"}}, '"1"')

        assert (await goals.patch("/v1/indicators/waits", {"notice": None}, '"2"')).json()["notice"] is None
        assert (await goals.patch("/v1/indicators/waits", {"name": None}, '"3"')).status_code == 422

    @pytest.mark.parametrize("change", [{"direction": "neutral"}, {"aggregation_over_time": "none"}])
    async def test_what_decides_results_has_them_computed_anew(self, goals: Goals, change: dict[str, str]) -> None:
        await goals.patch("/v1/indicators/waits", change, '"1"')

        assert await goals.dirty() == [("waits", None, None)]

    async def test_a_new_name_marks_nothing(self, goals: Goals) -> None:
        await goals.patch("/v1/indicators/waits", {"name": {"en": "Waits"}}, '"1"')

        assert await goals.dirty() == []

    @pytest.mark.parametrize("field", ["code", "frequency", "calendar", "ratio"])
    async def test_what_values_were_recorded_by_never_changes(self, goals: Goals, field: str) -> None:
        answer = await goals.patch("/v1/indicators/waits", {field: "year"}, '"1"')

        assert answer.status_code == 422
        assert f"/{field}" in codes(answer.json())

    async def test_it_needs_the_version_that_was_read(self, goals: Goals) -> None:
        assert (await goals.patch("/v1/indicators/waits", {"decimals": 1}, None)).status_code == 428
        assert (await goals.patch("/v1/indicators/waits", {"decimals": 1}, '"7"')).status_code == 412

    async def test_it_holds_for_all_so_a_role_for_a_part_will_not_do(self, goals: Goals) -> None:
        answer = await goals.patch("/v1/indicators/waits", {"decimals": 1}, '"1"', f"{OFFICER}@north")

        assert answer.status_code == 403

    async def test_the_list_is_filtered_by_disclosure_class(self, goals: Goals) -> None:
        listed = (await goals.get("/v1/indicators", disclosure_class="open")).json()["items"]

        assert [indicator["code"] for indicator in listed] == ["waits"]
