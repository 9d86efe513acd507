"""How each route of goals reaches a unit, and a body to try it in."""

from datetime import date, timedelta
from itertools import count
from typing import Any

from services.goals.organisation.operations import establish_body
from shared.clock import current_time
from shared.database import transaction
from tests.architecture.access import public
from tests.architecture.access.walking import ADMINISTRATOR, Cases, Names, Service, Walk, Way, with_cursors
from tests.goals.service import UNITS, VISITS, WAITS, visits, waits

ROOT = "nhs"
_fresh = count(1)


def _unit(names: Names) -> dict[str, Any]:
    return {"code": f"new-{next(_fresh)}", "name": {"en": "New"}, "parent": names["unit"], "level": "team"}


def _assignment(names: Names) -> dict[str, Any]:
    day = (date(2000, 1, 1) + timedelta(days=next(_fresh))).isoformat()
    return {"indicator": "waits", "unit": names["unit"], "valid_from": day, "valid_to": day}


def _target(names: Names) -> dict[str, Any]:
    return {
        "indicator": "waits",
        "unit": names["unit"],
        "type": "maintain_at_or_above",
        "value": "95",
        "valid_from": "2016-04-01",
        "reason": "A standard",
    }


def _measurement(names: Names) -> dict[str, Any]:
    return waits(names["unit"])


def _role(names: Names) -> dict[str, Any]:
    day = (date(2000, 1, 1) + timedelta(days=next(_fresh))).isoformat()
    return {
        "principal": names["principal"],
        "role": "analyst",
        "unit": names["unit"],
        "valid_from": day,
        "valid_to": day,
    }


async def _given_role(service: Service, _: Names, asked: Names) -> Names:
    """A role that can be withdrawn."""
    return {"role_assignment": (await service.make("/v1/role-assignments", _role(asked)))["id"]}


async def _month(*_: object) -> Names:
    """A month of which nothing is recorded yet."""
    years, months = divmod(next(_fresh), 12)
    return {"month": f"{2017 + years % 8}-{months + 1:02}-01"}


def _principal(_: Names) -> dict[str, Any]:
    return {"issuer": "https://issuer.test", "subject": f"somebody-{next(_fresh)}"}


async def _team(service: Service, near: Names, _: Names) -> Names:
    """A team of the caller's own that can be moved somewhere."""
    return {"team": (await service.make("/v1/units", _unit(near)))["code"]}


CALENDAR = {"name": {"en": "School year"}, "start_month": 9, "time_zone": "Europe/London"}
CASES: Cases = with_cursors(
    {
        **public.CASES,
        "GET /v1/events": [Way("whole body", "/v1/events")],
        "GET /v1/status": [Way("whole body", "/v1/status")],
        "GET /v1/body": [Way("same for all", "/v1/body")],
        "GET /v1/units": [
            Way("list", "/v1/units?limit=200", whose=lambda unit: unit["code"]),
            Way("filter", "/v1/units?parent={unit}"),
        ],
        "POST /v1/units": [Way("body", "/v1/units", _unit)],
        "POST /v1/units:batch": [Way("item", "/v1/units:batch", _unit)],
        "GET /v1/units/{key}": [Way("path", "/v1/units/{unit}")],
        "PATCH /v1/units/{key}": [
            Way("path", "/v1/units/{unit}", lambda _: {"level": "organisation"}),
            Way("body", "/v1/units/{team}", lambda names: {"parent": names["unit"]}, prepare=_team),
        ],
        "GET /v1/principals": [Way("same for all", "/v1/principals?limit=200")],
        "POST /v1/principals": [Way("same for all", "/v1/principals", _principal)],
        "GET /v1/principals/{principal_id}": [Way("path", "/v1/principals/{principal}")],
        "POST /v1/principals/{principal_id}:block": [Way("whole body", "/v1/principals/{principal}:block")],
        "POST /v1/principals/{principal_id}:unblock": [Way("whole body", "/v1/principals/{principal}:unblock")],
        "GET /v1/role-assignments": [
            Way("list", "/v1/role-assignments?limit=200", whose=lambda one: one["unit"]),
            Way("filter", "/v1/role-assignments?unit={unit}"),
        ],
        "POST /v1/role-assignments": [Way("body", "/v1/role-assignments", _role)],
        "GET /v1/role-assignments/{role_assignment_id}": [Way("path", "/v1/role-assignments/{role_assignment}")],
        "POST /v1/role-assignments/{role_assignment_id}:withdraw": [
            Way(
                "path",
                "/v1/role-assignments/{role_assignment}:withdraw",
                prepare=_given_role,
                version_of="/v1/role-assignments/{role_assignment}",
            )
        ],
        "GET /v1/calendars": [Way("same for all", "/v1/calendars")],
        "POST /v1/calendars": [
            Way("whole body", "/v1/calendars", lambda _: {"code": f"cal-{next(_fresh)}", **CALENDAR})
        ],
        "GET /v1/calendars/{key}": [Way("same for all", "/v1/calendars/main")],
        "GET /v1/indicators": [Way("same for all", "/v1/indicators")],
        "POST /v1/indicators": [
            Way("whole body", "/v1/indicators", lambda _: {**VISITS, "code": f"visits-{next(_fresh)}"})
        ],
        "GET /v1/indicators/{key}": [Way("same for all", "/v1/indicators/visits")],
        "PATCH /v1/indicators/{key}": [Way("whole body", "/v1/indicators/visits", lambda _: {"decimals": 1})],
        "GET /v1/assignments": [
            Way("list", "/v1/assignments?indicator=visits&limit=200", whose=lambda one: one["unit"]),
            Way("filter", "/v1/assignments?unit={unit}"),
        ],
        "POST /v1/assignments": [Way("body", "/v1/assignments", _assignment)],
        "POST /v1/assignments:batch": [Way("item", "/v1/assignments:batch", _assignment)],
        "GET /v1/assignments/{assignment_id}": [Way("path", "/v1/assignments/{assignment}")],
        "PATCH /v1/assignments/{assignment_id}": [
            Way("path", "/v1/assignments/{assignment}", lambda _: {"valid_to": "2030-03-31"})
        ],
        "GET /v1/targets": [
            Way("list", "/v1/targets?limit=200", whose=lambda one: one["unit"]),
            Way("filter", "/v1/targets?unit={unit}"),
        ],
        "POST /v1/targets": [Way("body", "/v1/targets", _target)],
        "GET /v1/targets/{target_id}": [Way("path", "/v1/targets/{target}")],
        "GET /v1/measurements": [
            Way("list", "/v1/measurements?limit=200", whose=lambda one: one["unit"]),
            Way("filter", "/v1/measurements?unit={unit}"),
        ],
        "POST /v1/measurements": [Way("body", "/v1/measurements", _measurement)],
        "POST /v1/measurements:batch": [Way("item", "/v1/measurements:batch", _measurement)],
        "GET /measurements": [Way("filter", "/measurements?unit={unit}", shows="/measurements/{code}/")],
        "GET /measurements/open": [Way("filter", "/measurements/open?unit={unit}&month=2019-03")],
        "GET /measurements/{unit}/{frequency}/{start}": [Way("path", "/measurements/{unit}/month/2019-03-01")],
        "POST /measurements/{unit}/{frequency}/{start}": [
            Way(
                "path",
                "/measurements/{unit}/month/{month}",
                lambda _: {"visits:value": "7"},
                prepare=_month,
                form=True,
            )
        ],
        "GET /measurements/{unit}/{frequency}/{start}/recorded": [
            Way("path", "/measurements/{unit}/month/2019-03-01/recorded")
        ],
        "GET /v1/measurements/{measurement_id}": [Way("path", "/v1/measurements/{measurement}")],
    }
)


async def walk_through(service: Service) -> Walk:
    """Two trusts in the north and one in the south, each with everything that can belong to a unit."""
    async with transaction(service.app.state.sessions) as session:
        await establish_body(
            session,
            slug=ROOT,
            name={"en": "NHS England"},
            language="en",
            time_zone="Europe/London",
            start_month=4,
            now=current_time(),
        )
    await service.make("/v1/units:batch", {"items": UNITS})
    for indicator in (WAITS, VISITS):
        await service.make("/v1/indicators", indicator)

    async def move(region: str) -> None:
        headers = {"If-Match": await service.etag("/v1/units/b")}
        administrator = service.sign(ADMINISTRATOR)
        moved = await service.call("PATCH", "/v1/units/b", administrator, json={"parent": region}, headers=headers)
        assert moved.is_success, moved.text

    near, moving, far = [await _names(service, code) for code in "abc"]
    return Walk(service, ROOT, "north", "south", near, moving, far, move)


async def _names(service: Service, code: str) -> Names:
    assignment = {"indicator": "visits", "unit": code, "valid_from": "2016-04-01"}
    assigned = await service.make("/v1/assignments", assignment)
    target = await service.make("/v1/targets", _target({"unit": code}))
    measured = await service.make("/v1/measurements", visits(code))
    principal = (await service.make("/v1/principals", _principal({})))["id"]
    role = await service.make("/v1/role-assignments", _role({"unit": code, "principal": principal}))
    return {
        "code": code,
        "unit": code,
        "unit_id": assigned["unit_id"],
        "assignment": assigned["id"],
        "target": target["id"],
        "measurement": measured["id"],
        "principal": principal,
        "role_assignment": role["id"],
    }
