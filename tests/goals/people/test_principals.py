"""Who signs in: recorded at the first call, seen by administrators, blocked and unblocked."""

from uuid import UUID

import pytest

from services.goals.people.domain import PrincipalKind
from services.goals.people.operations import appoint_administrator, know_caller
from shared.database import transaction
from shared.http.assigned import KnownCallers
from shared.http.auth import Identity
from tests.goals.people.asking import ADMIN, NOBODY, NORTHERN, block, calls, given, id_of
from tests.goals.service import Goals


async def appointed(goals: Goals, subject: str) -> bool:
    async with transaction(goals.sessions) as session:
        return await appoint_administrator(session, issuer="https://issuer.test", subject=subject, now=goals.clock())


class TestFirstCall:
    async def test_it_records_who_calls_even_without_a_role(self, people: Goals) -> None:
        await calls(people, NOBODY, NOBODY)

        known = (await people.get("/v1/principals", ADMIN, subject=NOBODY)).json()["items"]
        assert [(one["id"], one["issuer"], one["kind"], one["state"]) for one in known] == [
            (id_of(NOBODY), "https://issuer.test", "person", "active")
        ]

    async def test_nobody_is_told_of_it(self, people: Goals) -> None:
        await calls(people, NOBODY)

        assert await people.rows("select 1 from goals.outbox") == []

    async def test_a_principal_can_be_recorded_before(self, people: Goals) -> None:
        body = {"issuer": "https://issuer.test", "subject": "later", "kind": "system"}
        made = await people.made("/v1/principals", body, ADMIN)
        again = await people.post("/v1/principals", body, ADMIN)

        assert made["id"] == id_of("later")
        assert (again.status_code, again.json()["code"], again.json()["id"]) == (409, "principal_known", made["id"])
        assert (await people.get(f"/v1/principals/{made['id']}", ADMIN)).json()["kind"] == "system"

    @pytest.mark.parametrize(("recorded", "really"), [("system", "person"), ("person", "system")])
    async def test_its_token_corrects_what_it_was_recorded_as(
        self, people: Goals, recorded: str, really: PrincipalKind
    ) -> None:
        body = {"issuer": "https://issuer.test", "subject": "later", "kind": recorded}
        made = await people.made("/v1/principals", body, ADMIN)
        identity = Identity(UUID(made["id"]), issuer="https://issuer.test", subject="later", kind=really)

        await know_caller(people.sessions, identity)
        await know_caller(people.sessions, identity)

        assert (await people.get(f"/v1/principals/{made['id']}", ADMIN)).json()["kind"] == really
        (told,) = await people.told("principal.changed")
        assert f'"principal_kind": "{really}"' in told["json"]

    async def test_a_person_recorded_as_a_system_follows_no_feed(self, people: Goals) -> None:
        body = {"issuer": "https://issuer.test", "subject": "later", "kind": "system"}
        await people.made("/v1/principals", body, ADMIN)
        kept = await given(people, "later", "analyst", "a")
        lost = await given(people, "later", "follower", "nhs")

        answer = await people.get("/v1/events", "later")

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert [
            (str(told["subject"]), told["subject_version"]) for told in await people.told("role-assignment.changed")
        ] == [(kept["id"], 1), (lost["id"], 1), (lost["id"], 2)]

    @pytest.mark.parametrize("subject", ["", "x" * 256, "a b", "é", "a\u0001"])
    async def test_a_subject_that_no_token_can_have_is_refused(self, people: Goals, subject: str) -> None:
        answer = await people.post("/v1/principals", {"issuer": "https://issuer.test", "subject": subject}, ADMIN)

        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "/subject")


class TestSeeing:
    async def test_an_administrator_of_a_part_sees_those_with_a_role_there(self, people: Goals) -> None:
        await calls(people, "one", "two")
        await given(people, "one", "analyst", "a")
        await given(people, "two", "analyst", "c")

        seen = (await people.get("/v1/principals", NORTHERN)).json()["items"]

        assert [one["subject"] for one in seen] == ["one"]
        assert (await people.get(f"/v1/principals/{id_of('one')}", NORTHERN)).status_code == 200
        assert (await people.get(f"/v1/principals/{id_of('two')}", NORTHERN)).status_code == 404

    async def test_they_are_filtered_by_state_and_kind(self, people: Goals) -> None:
        await calls(people, "one", "two")
        await block(people, "two")

        async def subjects(**filters: str) -> list[str]:
            answer = await people.get("/v1/principals", ADMIN, **filters)
            return [one["subject"] for one in answer.json()["items"]]

        assert await subjects(state="blocked") == ["two"]
        assert await subjects(kind="system") == []
        assert "one" in await subjects(state="active", sort="-subject")


class TestBlock:
    async def test_every_door_is_closed_with_a_reason_until_it_is_taken_back(self, people: Goals) -> None:
        await calls(people, "analyst")

        assert await block(people, "analyst") == 200
        refused = await people.get("/v1/units", "analyst")
        assert await block(people, "analyst", action="unblock") == 200

        assert (refused.status_code, refused.json()["code"]) == (403, "principal_blocked")
        assert (await people.get("/v1/units", "analyst")).status_code == 200

    async def test_others_are_told_by_id_once(self, people: Goals) -> None:
        await calls(people, "analyst")
        await block(people, "analyst")
        await block(people, "analyst")

        (told,) = await people.told("principal.changed")
        assert told["json"] == (
            f'{{"state": "blocked", "principal_id": "{id_of("analyst")}", "principal_kind": "person"}}'
        )
        assert (str(told["subject"]), told["subject_version"], told["actor"]) == (id_of("analyst"), 2, id_of(ADMIN))

    async def test_nobody_blocks_themselves(self, people: Goals) -> None:
        await calls(people, ADMIN)

        assert await block(people, ADMIN) == 403
        assert await block(people, ADMIN, action="unblock") == 403

    async def test_it_holds_for_who_is_still_remembered_as_an_administrator(self, people: Goals) -> None:
        for each in ("first", "second"):
            await appointed(people, each)
        people.app.state.assigned = KnownCallers(people.app.state.sessions, know_caller, fresh=60)
        assert (await people.get("/v1/principals", "second")).status_code == 200
        assert await block(people, "second") == 200

        answer = await people.call("POST", f"/v1/principals/{id_of('first')}:block", "second")

        assert (answer.status_code, answer.json()["code"]) == (403, "principal_blocked")

    async def test_it_takes_an_administrator_of_the_whole_body(self, people: Goals) -> None:
        await calls(people, "one")
        await given(people, "one", "analyst", "a")

        answer = await people.call("POST", f"/v1/principals/{id_of('one')}:block", NORTHERN)

        assert (answer.status_code, answer.json()["code"]) == (403, "body_wide_only")

    async def test_the_last_administrator_stays(self, people: Goals) -> None:
        await appointed(people, "first")

        last = await people.call("POST", f"/v1/principals/{id_of('first')}:block", ADMIN)
        await appointed(people, "second")

        assert (last.status_code, last.json()["code"]) == (409, "last_administrator")
        assert await block(people, "first") == 200


class TestAppointment:
    async def test_it_opens_everything_and_may_be_repeated(self, people: Goals) -> None:
        assert [await appointed(people, "first"), await appointed(people, "first")] == [True, False]

        assert (await people.get("/v1/principals", "first")).status_code == 200
        assert len(await people.told("role-assignment.changed")) == 1

    async def test_it_lets_in_again_whoever_was_blocked(self, people: Goals) -> None:
        await appointed(people, "first")
        await appointed(people, "second")
        await block(people, "first", by="second")

        assert await appointed(people, "first")

        assert (await people.get("/v1/principals", "first")).status_code == 200
