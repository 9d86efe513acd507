"""How each route of reporting reaches a unit: what is internal is shown to those who hold a role for the unit alone."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from shared.database import transaction
from tests.architecture.access import public
from tests.architecture.access.walking import Cases, Names, Service, Walk, Way, with_cursors
from tests.reporting.told import evaluation, hear, indicator, small_world, uid, unit

BODY = "england"
SECRET = "Name of what is internal"


def _code(row: Mapping[str, Any]) -> str:
    return str(row["unit"]["code"])


CASES: Cases = with_cursors(
    {
        **public.CASES,
        "GET /v1/events": [Way("whole body", "/v1/events")],
        "GET /v1/status": [Way("whole body", "/v1/status")],
        "GET /v1/scorecards": [
            Way("list", "/v1/scorecards?indicator=internal&limit=200", whose=_code),
            Way("filter", "/v1/scorecards?indicator=internal&region={region}", shows='"{code}"'),
        ],
        "GET /v1/scorecards/{unit}": [Way("path", "/v1/scorecards/{unit}", shows=SECRET)],
        "GET /v1/results.csv": [Way("filter", "/v1/results.csv?indicator=internal&unit={unit}", shows=",{code},")],
        "GET /scorecards": [Way("list", "/scorecards?indicator=internal", shows='"/scorecards/{code}')],
        "GET /scorecards/{unit}": [Way("path", "/scorecards/{unit}", shows=SECRET)],
        "GET /scorecards/{unit}/changes": [Way("public", "/scorecards/{unit}/changes")],
    }
)


async def walk_through(service: Service) -> Walk:
    """Two organisations in London and one in the north."""

    versions = count(2)

    async def move(region: str) -> None:
        async with transaction(service.app.state.sessions) as session:
            await hear(session, unit("RQM", parent=region, version=next(versions)))

    async with transaction(service.app.state.sessions) as session:
        await hear(session, *small_world(), unit("RX1", parent="north"))
        await hear(session, indicator("internal", name={"en": SECRET}, disclosure_class="internal"))
        for code in ("RF4", "RQM", "RX1"):
            await hear(session, evaluation(code, code="internal"))
    near, moving, far = (_names(*each) for each in (("RF4", "london"), ("RQM", "london"), ("RX1", "north")))
    return Walk(service, BODY, "london", "north", near, moving, far, move)


def _names(code: str, region: str) -> Names:
    return {"region": region, "code": code, "unit": code, "unit_id": str(uid(code))}
