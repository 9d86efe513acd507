"""A form of somebody signed in is taken from a page that this service made for this session, and from no other."""

from collections.abc import Mapping

import pytest

from deploy.postgres.bootstrap import SERVICES
from shared.http.routes import operations_of
from shared.http.sign_in.secrets import csrf_token
from shared.http.sign_in.visitors import CSRF_FIELD
from tests.architecture.access.walking import ADMINISTRATOR, Service, Walk
from tests.architecture.test_access import CASES

ANONYMOUS = {"POST /surveys/{key}"}
"""Whoever answers a survey has no session that another site could use."""


async def refusals(service: Service, path: str) -> dict[str, int]:
    """What each form is answered with that another site, or another session, could have made."""
    own, other = [await service.session_of(service.sign(ADMINISTRATOR)) for _ in range(2)]
    origin, cookie = service.app.state.provider.origin, f"__Host-steward-{service.app.state.name}={own}"
    tries = {
        "no token": ({}, origin),
        "the token of another session": ({CSRF_FIELD: csrf_token(other)}, origin),
        "another site": ({CSRF_FIELD: csrf_token(own)}, "https://evil.example"),
        "no Origin": ({CSRF_FIELD: csrf_token(own)}, None),
    }
    return {
        name: (
            await service.client.post(
                path, data=form, headers={"Cookie": cookie} | ({"Origin": sender} if sender else {})
            )
        ).status_code
        for name, (form, sender) in tries.items()
    }


@pytest.mark.parametrize("service", SERVICES)
async def test_a_form_that_another_site_sends_is_refused(service: str, walks: Mapping[str, Walk]) -> None:
    walk = walks[service]
    routes = {each.name for each in operations_of(walk.service.app) if each.name.startswith("POST /")}
    forms = {route for route in routes if not route.startswith("POST /v1/")} - ANONYMOUS
    assert "POST /sign-out" in forms

    for route in sorted(forms):
        request = await walk.request_for(route, CASES[service][route][0], walk.near, walk.near, "code")
        answers = await refusals(walk.service, request["path"])
        assert set(answers.values()) == {403}, (route, answers)
