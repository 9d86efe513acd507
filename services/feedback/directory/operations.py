"""Keeping the copies as new as the newest event seen."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.tables import Body, Indicator, Unit

Copy = TypeVar("Copy", Body, Unit, Indicator)


async def keep(session: AsyncSession, rows: Sequence[Copy]) -> None:
    """Store copies of one kind; one that is older than what is held changes nothing, so order does not matter."""
    newest = {row.id: row for row in sorted(rows, key=lambda row: row.version)}
    if not newest:
        return
    table = type(rows[0])
    statement = insert(table).values([newest[id_].model_dump() for id_ in sorted(newest)])
    columns = {column.name: column for column in statement.excluded if column.name != "id"}
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=columns,
            where=col(table.version) < statement.excluded.version,
        )
    )
