"""The one route of reporting that asks for a permission; what the public routes show is tried in test_disclosure."""

from shared.database import transaction
from tests.architecture.access.walking import Cases, Names, Service, Walk, Way
from tests.reporting.told import hear, small_world, uid, unit

BODY = "england"
CASES: Cases = {
    "GET /v1/events": [Way("whole body", "/v1/events")],
    "GET /v1/status": [Way("whole body", "/v1/status")],
}


async def walk_through(service: Service) -> Walk:
    """Two organisations in London and one in the north."""

    async def move(region: str) -> None:
        async with transaction(service.app.state.sessions) as session:
            await hear(session, unit("RQM", parent=region, version=2))

    async with transaction(service.app.state.sessions) as session:
        await hear(session, *small_world(), unit("RX1", parent="north"))
    near, moving, far = (_names(code) for code in ("RF4", "RQM", "RX1"))
    return Walk(service, BODY, "london", "north", near, moving, far, move)


def _names(code: str) -> Names:
    return {"code": code, "unit": code, "unit_id": str(uid(code))}
