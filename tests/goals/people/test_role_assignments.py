"""Roles that principals are given: for a unit and those below, for some days, by somebody else."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.goals.people.asking import ADMIN, CLIENT, NOBODY, NORTHERN, calls, given, id_of
from tests.goals.people.test_principals import appointed
from tests.goals.service import Goals, visits


async def asked(goals: Goals, by: str = ADMIN, **body: Any) -> httpx.Response:
    return await goals.post(
        "/v1/role-assignments", {"principal": id_of(NOBODY), "role": "analyst", "unit": "a", **body}, by
    )


async def withdrawn(goals: Goals, assignment: dict[str, Any], by: str = ADMIN, version: int = 1) -> httpx.Response:
    path = f"/v1/role-assignments/{assignment['id']}:withdraw"
    return await goals.call("POST", path, by, headers={"If-Match": f'"{version}"'})


class TestGiving:
    async def test_it_opens_a_unit_and_those_below_and_no_others(self, people: Goals) -> None:
        await calls(people, NOBODY)
        before = await people.post("/v1/measurements", visits("a"), NOBODY)

        await given(people, NOBODY, "data_provider", "north")

        assert before.status_code == 403
        assert (await people.post("/v1/measurements", visits("a"), NOBODY)).status_code == 201
        assert (await people.post("/v1/measurements", visits("c"), NOBODY)).status_code == 404

    async def test_it_adds_to_the_roles_of_the_token(self, people: Goals) -> None:
        await calls(people, "data_provider@c")
        await given(people, "data_provider@c", "data_provider", "a")

        for unit in "ac":
            assert (await people.post("/v1/measurements", visits(unit), "data_provider@c")).status_code == 201

    async def test_it_follows_the_unit_tree_as_it_is_now(self, people: Goals) -> None:
        await calls(people, NOBODY)
        await given(people, NOBODY, "data_provider", "north")
        etag = (await people.get("/v1/units/a")).headers["etag"]

        await people.patch("/v1/units/a", {"parent": "south"}, etag)

        assert (await people.post("/v1/measurements", visits("a"), NOBODY)).status_code == 404

    async def test_for_the_root_it_holds_everywhere(self, people: Goals) -> None:
        await calls(people, NOBODY)
        await given(people, NOBODY, "administrator", "nhs")

        assert (await people.get("/v1/principals", NOBODY)).json()["items"] != []

    async def test_others_are_told_by_ids(self, people: Goals) -> None:
        await calls(people, NOBODY)
        made = await given(people, NOBODY, "analyst", "a", valid_from="2026-03-01", valid_to="2026-04-30")

        (told,) = await people.told("role-assignment.changed")
        data = told["data"]
        assert NOBODY not in data
        assert "issuer" not in data
        assert (str(told["subject"]), told["subject_version"]) == (made["id"], 1)
        assert (made["unit"], made["granted_by"], made["withdrawn"]) == ("a", id_of(ADMIN), False)

    async def test_a_repeated_request_gives_it_once(self, people: Goals) -> None:
        await calls(people, NOBODY)
        body = {"principal": id_of(NOBODY), "role": "analyst", "unit": "a"}

        answers = [await people.post("/v1/role-assignments", body, ADMIN, Idempotency_Key="give-it") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"role": "follower"}, 422, "only_for_systems"),
            ({"role": "respondent"}, 422, "invalid_input"),
            ({"role": "public"}, 422, "invalid_input"),
            ({"unit": "none"}, 404, "unknown_unit"),
            ({"principal": str(uuid4())}, 404, "unknown_principal"),
            ({"principal": id_of(ADMIN)}, 403, "not_for_yourself"),
            ({"valid_from": "2026-04-01", "valid_to": "2026-03-31"}, 422, "ends_before_it_begins"),
        ],
    )
    async def test_what_cannot_be_given(self, people: Goals, change: dict[str, Any], status: int, code: str) -> None:
        await calls(people, NOBODY, ADMIN)

        answer = await asked(people, **change)

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_a_system_may_follow(self, people: Goals) -> None:
        await people.made(
            "/v1/principals", {"issuer": "https://issuer.test", "subject": CLIENT, "kind": "system"}, ADMIN
        )
        await given(people, CLIENT, "follower", "nhs")

        assert (await people.get("/v1/events", CLIENT)).status_code == 200

    async def test_twice_at_a_time_is_a_conflict(self, people: Goals) -> None:
        await calls(people, NOBODY)
        await given(people, NOBODY, "analyst", "a", valid_from="2026-03-01", valid_to="2026-03-31")

        overlapping = await asked(people, valid_from="2026-03-31")
        after = await asked(people, valid_from="2026-04-01")

        assert (overlapping.status_code, overlapping.json()["code"]) == (409, "role_already_held")
        assert after.status_code == 201

    async def test_nobody_gives_a_role_above_their_own_units(self, people: Goals) -> None:
        await calls(people, NOBODY)

        answers = [await asked(people, NORTHERN, role="administrator", unit=unit) for unit in ("nhs", "south", "c")]

        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert (await asked(people, NORTHERN, role="administrator", unit="a")).status_code == 201


class TestDays:
    async def test_it_holds_from_its_first_to_its_last_day_where_the_body_is(
        self, people: Goals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = people.clock.now.replace(month=6, day=10, hour=22, minute=59)  # 23:59 in London
        monkeypatch.setattr("services.goals.people.operations.current_time", lambda: now)
        await calls(people, NOBODY)
        await given(people, NOBODY, "analyst", "a", valid_from="2026-06-11", valid_to="2026-06-11")

        async def opens(later: timedelta) -> bool:
            monkeypatch.setattr("services.goals.people.operations.current_time", lambda: now + later)
            return (await people.get("/v1/units", NOBODY)).status_code == 200

        minute, day = timedelta(minutes=1), timedelta(days=1)
        assert [await opens(0 * day), await opens(minute), await opens(day), await opens(day + minute)] == [
            False,
            True,
            True,
            False,
        ]


class TestWithdrawing:
    async def test_it_ends_the_role_at_once_and_tells(self, people: Goals) -> None:
        await calls(people, NOBODY)
        made = await given(people, NOBODY, "analyst", "a")

        answer = await withdrawn(people, made)

        assert (answer.status_code, answer.json()["withdrawn"]) == (200, True)
        assert (await people.get("/v1/units", NOBODY)).status_code == 403
        assert [told["subject_version"] for told in await people.told("role-assignment.changed")] == [1, 2]

    async def test_it_needs_the_version_that_was_read(self, people: Goals) -> None:
        await calls(people, NOBODY)
        made = await given(people, NOBODY, "analyst", "a")

        assert (await withdrawn(people, made, version=2)).status_code == 412
        path = f"/v1/role-assignments/{made['id']}:withdraw"
        assert (await people.call("POST", path, ADMIN)).status_code == 428
        assert (await people.call("POST", path, None)).status_code == 401

    async def test_a_foreign_one_is_not_there(self, people: Goals) -> None:
        await calls(people, NOBODY)
        made = await given(people, NOBODY, "analyst", "c")

        assert (await withdrawn(people, made, NORTHERN)).status_code == 404

    async def test_the_last_administrator_of_the_whole_body_stays(self, people: Goals) -> None:
        await appointed(people, "first")
        (held,) = (await people.get("/v1/role-assignments", "first")).json()["items"]

        last = await withdrawn(people, held, "first")
        await calls(people, "second")
        await given(people, "second", "administrator", "nhs", "first")

        assert (last.status_code, last.json()["code"]) == (409, "last_administrator")
        assert (await withdrawn(people, held, "second")).status_code == 200
        assert (await people.get("/v1/role-assignments", "first")).status_code == 403

    async def test_one_that_ends_does_not_count_as_an_administrator_who_stays(self, people: Goals) -> None:
        await appointed(people, "first")
        await calls(people, "second")
        await given(people, "second", "administrator", "nhs", "first", valid_to="2030-12-31")
        (held, _) = (await people.get("/v1/role-assignments", "first", sort="valid_from")).json()["items"]

        assert (await withdrawn(people, held, "second")).status_code == 409


class TestListing:
    async def test_it_is_filtered_and_kept_to_the_callers_units(self, people: Goals) -> None:
        await calls(people, "one", "two")
        await given(people, "one", "analyst", "a")
        await given(people, "one", "data_provider", "b")
        await given(people, "two", "analyst", "c")

        async def listed(by: str = ADMIN, **filters: str) -> list[tuple[str, str]]:
            answer = await people.call("GET", "/v1/role-assignments", by, params=filters)
            return [(one["role"], one["unit"]) for one in answer.json()["items"]]

        assert await listed(NORTHERN) == [("analyst", "a"), ("data_provider", "b")]
        assert await listed(principal=id_of("two")) == [("analyst", "c")]
        assert await listed(role="analyst", sort="-unit") == [("analyst", "c"), ("analyst", "a")]
        assert await listed(unit="b") == [("data_provider", "b")]
