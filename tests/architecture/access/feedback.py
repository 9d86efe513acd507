"""How each route of feedback reaches a unit, and a body to try it in."""

from itertools import count
from typing import Any
from uuid import UUID, uuid4

from shared.database import transaction
from tests.architecture.access import public
from tests.architecture.access.walking import Cases, Names, Service, Walk, Way, with_cursors
from tests.feedback.samples import OTHER, QUESTIONS, REGION, ROOT, SURVEY, TRUST, hear, seed, unit_changed

BODY = "nhs"
SOUTH, MOVING = UUID(int=6), UUID(int=7)
_REGIONS = {"north": REGION, "south": SOUTH}
_fresh = count(1)


async def _draft(service: Service, _: Names, asked: Names) -> Names:
    """A new survey of the unit asked for."""
    made = await service.make("/v1/surveys", {**SURVEY, "code": f"survey-{next(_fresh)}", "unit": asked["code"]})
    return {"survey": made["code"], "survey_id": made["id"]}


async def _own_draft(service: Service, near: Names, _: Names) -> Names:
    return await _draft(service, near, near)


async def _written(service: Service, near: Names, asked: Names) -> Names:
    """A survey of the unit asked for, with a version that is not yet published."""
    names = await _draft(service, near, asked)
    await service.make(f"/v1/surveys/{names['survey']}/versions", {"questions": QUESTIONS})
    return names


async def _written_about(service: Service, near: Names, asked: Names) -> Names:
    """A survey of the caller's own, with a version about the unit asked for that somebody else has written."""
    names = await _own_draft(service, near, asked)
    body = {"questions": QUESTIONS, "unit": asked["code"]}
    await service.make(f"/v1/surveys/{names['survey']}/versions", body)
    return names


async def _published(service: Service, near: Names, asked: Names) -> Names:
    names = await _written(service, near, asked)
    await service.make(f"/v1/surveys/{names['survey']}/versions/1:publish")
    return names


async def opened(service: Service, near: Names, asked: Names) -> Names:
    """A survey of the unit asked for that people can answer."""
    names = await _published(service, near, asked)
    await service.make(f"/v1/surveys/{names['survey']}:open")
    return names


def _answered() -> dict[str, Any]:
    return {"id": str(uuid4()), "version": 1, "language": "en", "answers": {"overall": "good"}}


def _filled_in() -> dict[str, Any]:
    return {"id": str(uuid4()), "version": "1", "language": "en", "answer.overall": "good"}


CASES: Cases = with_cursors(
    {
        **public.CASES,
        "GET /v1/events": [Way("whole body", "/v1/events")],
        "GET /v1/status": [Way("whole body", "/v1/status")],
        "GET /v1/surveys": [
            Way("list", "/v1/surveys?limit=200", whose=lambda survey: survey["unit"]),
            Way("filter", "/v1/surveys?unit={unit}"),
        ],
        "POST /v1/surveys": [
            Way("body", "/v1/surveys", lambda names: {**SURVEY, "code": f"s-{next(_fresh)}", "unit": names["unit"]})
        ],
        "PATCH /v1/surveys/{key}": [
            Way("path", "/v1/surveys/{survey}", lambda _: {"threshold": 11}, version_of="/v1/surveys/{survey}/versions")
        ],
        "GET /v1/surveys/{key}/versions": [Way("path", "/v1/surveys/{survey}/versions")],
        "POST /v1/surveys/{key}/versions": [
            Way("path", "/v1/surveys/{survey}/versions", lambda _: {"questions": QUESTIONS}),
            Way(
                "body",
                "/v1/surveys/{survey}/versions",
                lambda names: {"questions": QUESTIONS, "unit": names["unit"]},
                prepare=_own_draft,
            ),
        ],
        "POST /v1/surveys/{key}/versions/{number}:publish": [
            Way("path", "/v1/surveys/{survey}/versions/1:publish", prepare=_written),
            Way("path", "/v1/surveys/{survey}/versions/1:publish", prepare=_written_about),
        ],
        "POST /v1/surveys/{key}:open": [Way("path", "/v1/surveys/{survey}:open", prepare=_published)],
        "GET /v1/surveys/{key}": [Way("public", "/v1/surveys/{survey}", prepare=opened)],
        "POST /v1/surveys/{key}/responses": [
            Way("public", "/v1/surveys/{survey}/responses", lambda _: _answered(), prepare=opened)
        ],
        "POST /v1/surveys/{key}/responses:batch": [
            Way("public", "/v1/surveys/{survey}/responses:batch", lambda _: {"items": [_answered()]}, prepare=opened)
        ],
        "GET /surveys/{key}": [Way("public", "/surveys/{survey}", prepare=opened)],
        "POST /surveys/{key}": [
            Way("public", "/surveys/{survey}", lambda _: _filled_in(), prepare=opened, form=True),
        ],
        "GET /surveys/{key}/thank-you": [Way("public", "/surveys/{survey}/thank-you", prepare=opened)],
        "POST /v1/surveys/{key}:close": [Way("path", "/v1/surveys/{survey}:close", prepare=opened)],
    }
)


async def walk_through(service: Service) -> Walk:
    """Two trusts in the north and one in the south, each with a survey."""
    versions = count(2)

    async def place(code: str, id_: UUID, parent: UUID) -> None:
        async with transaction(service.app.state.sessions) as session:
            await hear(session, [unit_changed(id_, code, parent, version=next(versions))])

    async with transaction(service.app.state.sessions) as session:
        await seed(session)
    for code, id_, parent in (("south", SOUTH, ROOT), ("RN1", MOVING, REGION), ("RJ1", OTHER, SOUTH)):
        await place(code, id_, parent)

    async def names(code: str, id_: UUID) -> Names:
        unit = {"code": code, "unit": code, "unit_id": str(id_)}
        return {**unit, **await _draft(service, unit, unit)}

    return Walk(
        service,
        BODY,
        "north",
        "south",
        near=await names("RF4", TRUST),
        moving=await names("RN1", MOVING),
        far=await names("RJ1", OTHER),
        move=lambda region: place("RN1", MOVING, _REGIONS[region]),
    )
