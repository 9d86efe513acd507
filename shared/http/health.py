"""Whether the process lives, and whether it can serve: never how far it is behind."""

from pathlib import Path

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import Unavailable

_SERVICES = Path(__file__).parents[2] / "services"


class NotReady(Unavailable):
    """The service runs, but cannot serve yet: its database is away or its schema too old."""

    code = "not_ready"
    title = "Not ready"


class Health(BaseModel):
    """All is well."""

    status: str = "ok"


def newest_migration(service: str) -> str:
    """The number of the newest migration that this code comes with, or nothing where it has none."""
    # By their names: alembic takes longer to import than all of a service.
    files = (_SERVICES / service / "migrations" / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")
    return max((file.name[:4] for file in files), default="")


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
        if not needed:
            raise NotReady("This code comes without migrations.")
        try:
            async with request.app.state.engine.connect() as connection:
                row = (await connection.execute(text(f'select version_num from "{schema}".alembic_version'))).first()  # noqa: S608 - our own schema's name
        except (SQLAlchemyError, OSError) as error:
            raise NotReady("The database does not answer, or has no schema yet.") from error
        if row is None or row[0] < needed:
            raise NotReady(f"The schema is at {row[0] if row else 'nothing'}; this code needs {needed}.")
        return Health()

    return router
