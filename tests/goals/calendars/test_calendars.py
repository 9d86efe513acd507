"""Fiscal calendars."""

from tests.goals.service import Goals, codes

NEW = {"code": "school", "name": {"en": "School year"}, "start_month": 9, "time_zone": "Europe/London"}


class TestCreateCalendar:
    async def test_it_is_read_by_id_and_by_code(self, goals: Goals) -> None:
        made = await goals.made("/v1/calendars", NEW, "administrator")

        assert (await goals.get("/v1/calendars/school")).json() == made
        assert (await goals.get(f"/v1/calendars/{made['id']}")).json() == made
        assert [one["code"] for one in (await goals.get("/v1/calendars")).json()["items"]] == ["main", "school"]

    async def test_it_is_told(self, goals: Goals) -> None:
        answer = await goals.post("/v1/calendars", NEW, "administrator")

        (told,) = await goals.told("calendar.changed")
        assert answer.headers["steward-written"] == f"goals/{told['subject']}/1"

    async def test_a_code_is_never_used_twice(self, goals: Goals) -> None:
        answer = await goals.post("/v1/calendars", {**NEW, "code": "main"}, "administrator")

        assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")

    async def test_its_time_zone_has_to_exist(self, goals: Goals) -> None:
        answer = await goals.post("/v1/calendars", {**NEW, "time_zone": "Europe/Atlantis"}, "administrator")

        assert answer.status_code == 422
        assert "/time_zone" in codes(answer.json())

    async def test_its_name_needs_the_default_language(self, goals: Goals) -> None:
        answer = await goals.post("/v1/calendars", {**NEW, "name": {"fr": "Année scolaire"}}, "administrator")

        assert "/name" in codes(answer.json())

    async def test_it_holds_for_all_so_a_role_for_a_part_will_not_do(self, goals: Goals) -> None:
        assert (await goals.post("/v1/calendars", NEW, "administrator@north")).status_code == 403
        assert (await goals.post("/v1/calendars", NEW, "administrator@nhs")).status_code == 201

    async def test_one_that_is_not_there_is_not_found(self, goals: Goals) -> None:
        assert (await goals.get("/v1/calendars/none")).status_code == 404
