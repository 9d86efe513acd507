"""Whether a process can do its work: its database answers and has what the code needs; never how far it is behind."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import Unavailable

_SERVICES = Path(__file__).parents[1] / "services"


class NotReady(Unavailable):
    """The service runs, but cannot serve yet: its database is away or its schema too old."""

    code = "not_ready"
    title = "Not ready"


def newest_migration(service: str) -> str:
    """The number of the newest migration that this code comes with, or nothing where it has none."""
    # By their names: alembic takes longer to import than all of a service.
    files = (_SERVICES / service / "migrations" / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")
    return max((file.name[:4] for file in files), default="")


async def check_ready(engine: AsyncEngine, *, schema: str, needed: str) -> None:
    """Raise NotReady, with the reason, where the database does not answer or its schema is older than `needed`."""
    if not needed:
        raise NotReady("This code comes without migrations.")
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(text(f'select version_num from "{schema}".alembic_version'))).first()  # noqa: S608 - our own schema's name
    except (SQLAlchemyError, OSError) as error:
        raise NotReady("The database does not answer, or has no schema yet.") from error
    if row is None or row[0] < needed:
        raise NotReady(f"The schema is at {row[0] if row else 'nothing'}; this code needs {needed}.")
