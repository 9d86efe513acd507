"""The probes of an API: whether the process lives, and whether it can serve."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from shared.readiness import check_ready, newest_migration


class Health(BaseModel):
    """All is well."""

    status: str = "ok"


def health_routes(service: str, schema: str) -> APIRouter:
    """`/livez` and `/readyz`."""
    router = APIRouter(tags=["health"])
    needed = newest_migration(service)

    @router.get("/livez")
    async def livez() -> Health:
        """Whether the process answers; asks nothing else."""
        return Health()

    @router.get("/readyz")
    async def readyz(request: Request) -> Health:
        """Whether the database answers and its schema is new enough for this code."""
        await check_ready(request.app.state.engine, schema=schema, needed=needed)
        return Health()

    return router
