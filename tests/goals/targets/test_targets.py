"""Setting targets."""

import asyncio
from typing import Any

import pytest

from tests.goals.service import OFFICER, Goals, codes, waits

NORTH = f"{OFFICER}@north"


def target(unit: str = "a", **changes: Any) -> dict[str, Any]:
    return {
        "indicator": "waits",
        "unit": unit,
        "type": "maintain_at_or_above",
        "value": "95",
        "valid_from": "2016-04-01",
        "reason": "NHS Constitution",
        **changes,
    }


class TestSetTarget:
    async def test_a_new_version_leaves_the_old_one_to_be_read(self, goals: Goals) -> None:
        first = await goals.made("/v1/targets", target())
        second = await goals.made("/v1/targets", target(value="76", valid_from="2023-04-01", reason="Recovery plan"))

        listed = (await goals.get("/v1/targets", unit="a", indicator="waits")).json()["items"]
        assert [(one["version"], one["value"]) for one in listed] == [(1, "95"), (2, "76")]
        assert listed == [first, second]
        assert (await goals.get(f"/v1/targets/{first['id']}")).json() == first

    async def test_it_is_told_as_a_fact_of_its_series(self, goals: Goals) -> None:
        year = {"frequency": "year", "start": "2015-04-01"}
        answer = await goals.post("/v1/targets", target(baseline="90.50", baseline_period=year))

        (told,) = await goals.told("target.set")
        assert answer.headers["steward-written"] == f"goals/{answer.json()['series_id']}/{told['subject_version']}"
        assert answer.json()["baseline_period"] == {"frequency": "year", "start": "2015-04-01", "label": "2015/16"}
        assert '"baseline":"90.50"' in told["data"]

    async def test_it_has_its_series_computed_anew(self, goals: Goals) -> None:
        await goals.made("/v1/targets", target())

        assert await goals.dirty() == [("waits", "a", None)]

    async def test_one_that_applies_below_has_every_series_computed_anew(self, goals: Goals) -> None:
        await goals.made("/v1/targets", target("nhs", applies_below=True))

        assert await goals.dirty() == [("waits", None, None)]

    async def test_so_does_the_one_that_ends_it(self, goals: Goals) -> None:
        await goals.made("/v1/targets", target("nhs", applies_below=True))
        await goals.forget()

        await goals.made("/v1/targets", target("nhs", applies_below=False))

        assert await goals.dirty() == [("waits", None, None)]

    async def test_it_is_checked_against_the_baseline(self, goals: Goals) -> None:
        answer = await goals.post("/v1/targets", target(type="increase_to", value="80", baseline="85"))

        assert (answer.status_code, answer.json()["code"]) == (422, "target_asks_for_no_increase")

    async def test_it_is_checked_against_the_direction(self, goals: Goals) -> None:
        answer = await goals.post("/v1/targets", target(type="maintain_at_or_below"))

        assert (answer.status_code, answer.json()["code"]) == (422, "target_pulls_the_wrong_way")

    async def test_its_indicator_is_not_turned_against_it(self, goals: Goals) -> None:
        await goals.made("/v1/targets", target())
        turned = {"direction": "decrease"}

        refused = await goals.patch("/v1/indicators/waits", turned, '"1"')
        await goals.made("/v1/targets", target(type="undefined", value=None))
        taken = await goals.patch("/v1/indicators/waits", turned, '"1"')

        assert (refused.status_code, refused.json()["code"]) == (422, "direction_contradicts_targets")
        assert "The target of a asks" in refused.json()["detail"]
        assert (taken.status_code, taken.json()["direction"]) == (200, "decrease")

    async def test_its_parts_fit_its_type(self, goals: Goals) -> None:
        answer = await goals.post("/v1/targets", target(type="range"))

        assert set(codes(answer.json())) == {"/low", "/high", "/value"}

    @pytest.mark.parametrize("start", ["2015-01-01", "0001-04-01", "9999-04-01"])
    async def test_its_baseline_period_is_one_of_the_calendar(self, goals: Goals, start: str) -> None:
        period = {"frequency": "year", "start": start}
        answer = await goals.post("/v1/targets", target(baseline="90", baseline_period=period))

        assert list(codes(answer.json())) == ["/baseline_period/start"]

    async def test_a_milestone_needs_the_default_language(self, goals: Goals) -> None:
        body = target(type="milestone", value=None, milestone={"fr": "Ouvert"})
        del body["value"]
        answer = await goals.post("/v1/targets", body)

        assert list(codes(answer.json())) == ["/milestone"]

    async def test_a_reason_is_needed(self, goals: Goals) -> None:
        assert list(codes((await goals.post("/v1/targets", target(reason=" "))).json())) == ["/reason"]

    async def test_a_json_number_is_refused_with_a_hint(self, goals: Goals) -> None:
        answer = await goals.post("/v1/targets", target(value=95.0))

        assert "in quotes" in codes(answer.json())["/value"]

    async def test_two_at_once_become_two_versions(self, goals: Goals) -> None:
        answers = await asyncio.gather(*(goals.post("/v1/targets", target(value=str(90 + n))) for n in range(4)))

        assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4]
        assert [told["subject_version"] for told in await goals.told("target.set")] == [1, 2, 3, 4]

    async def test_target_and_measurement_number_their_events_together(self, goals: Goals) -> None:
        await goals.made("/v1/targets", target())
        answer = await goals.post("/v1/measurements", waits(), "data_provider")

        assert answer.headers["steward-written"].endswith("/2")

    async def test_a_foreign_unit_is_not_there(self, goals: Goals) -> None:
        made = await goals.made("/v1/targets", target("c"))

        assert (await goals.post("/v1/targets", target("c"), NORTH)).status_code == 404
        assert (await goals.get(f"/v1/targets/{made['id']}", NORTH)).status_code == 404
        assert (await goals.get("/v1/targets", NORTH)).json()["items"] == []
        assert (await goals.get("/v1/targets", NORTH, unit="c")).status_code == 404

    async def test_the_same_key_sets_it_once(self, goals: Goals) -> None:
        first = await goals.post("/v1/targets", target(), Idempotency_Key="k")
        again = await goals.post("/v1/targets", target(), Idempotency_Key="k")

        assert again.json() == first.json()
        assert again.headers["steward-written"] == first.headers["steward-written"]
        assert len(await goals.told("target.set")) == 1

    async def test_a_data_provider_may_not(self, goals: Goals) -> None:
        assert (await goals.post("/v1/targets", target(), "data_provider")).status_code == 403
