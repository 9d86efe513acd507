"""A block and a role given in goals hold in every service within a minute, whichever way events travel."""

import asyncio
from time import monotonic

import httpx

from deploy.local.body import DEMO_BODY
from deploy.local.issuer import issuer_directory, sign
from shared.http.tokens import peek, reference_to
from tests.journeys.running import Journey

ASKED = {"goals": "/v1/units?limit=1", "feedback": "/v1/surveys?limit=1", "reporting": "/v1/scorecards?limit=1"}


async def until(journey: Journey, service: str, token: str, status: int) -> httpx.Response:
    """The answer of a service, once it has a status; at most a minute later."""
    began = monotonic()
    async with journey.client(service) as client:
        while True:
            answer = await client.get(ASKED[service], headers={"Authorization": f"Bearer {token}"})
            if answer.status_code == status or monotonic() - began > 60:
                return answer
            await asyncio.sleep(0.25)


def principal_of(token: str) -> str:
    claims = peek(token)[1]
    return str(reference_to(claims["iss"], claims["sub"]))


async def test_a_block_closes_every_service_and_opens_again(journey: Journey) -> None:
    token = sign(issuer_directory(journey.stack.directory), "analyst", "to-be-blocked")
    for service in ASKED:
        assert (await until(journey, service, token, 200)).status_code == 200

    async with journey.client("goals", "administrator") as goals:
        blocked = await goals.post(f"/v1/principals/{principal_of(token)}:block")
        refused = await asyncio.gather(*(until(journey, service, token, 403) for service in ASKED))
        await goals.post(f"/v1/principals/{principal_of(token)}:unblock")

    assert blocked.json()["state"] == "blocked"
    assert [(answer.status_code, answer.json().get("code")) for answer in refused] == [(403, "principal_blocked")] * 3
    assert (await until(journey, "feedback", token, 200)).status_code == 200


async def test_a_role_given_in_goals_opens_a_door_of_feedback_and_withdrawn_closes_it(journey: Journey) -> None:
    token = sign(issuer_directory(journey.stack.directory), "newcomer")
    before = await until(journey, "goals", token, 403)

    async with journey.client("goals", "administrator") as goals:
        role = {"principal": principal_of(token), "role": "analyst", "unit": DEMO_BODY.slug}
        given = await goals.post("/v1/role-assignments", json=role)
        opened = await until(journey, "feedback", token, 200)
        path = f"/v1/role-assignments/{given.json()['id']}:withdraw"
        await goals.post(path, headers={"If-Match": '"1"'})

    assert before.json()["code"] == "forbidden"
    assert (given.status_code, opened.status_code) == (201, 200)
    assert (await until(journey, "feedback", token, 403)).status_code == 403
