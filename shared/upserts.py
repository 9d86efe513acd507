"""Writing many rows at once into a table that keeps the newest of each key, whatever order they come in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Table, bindparam, func, inspect, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

ROWS_PER_STATEMENT = 10_000


async def keep_newest(
    session: AsyncSession, model: type[SQLModel], rows: Sequence[Mapping[str, Any]], *, newer: str = "version"
) -> None:
    """Insert the rows, or replace those whose `newer` column is lower; a row as old or older changes nothing."""
    table: Table = inspect(model).local_table
    key = [column.name for column in table.primary_key]
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        identity = tuple(row[name] for name in key)
        held = newest.get(identity)
        if held is None or row[newer] > held[newer]:
            newest[identity] = row
    # Sorted, so that two transactions that write the same rows wait for each other instead of deadlocking.
    kept = [newest[identity] for identity in sorted(newest)]
    for first in range(0, len(kept), ROWS_PER_STATEMENT):
        chunk = kept[first : first + ROWS_PER_STATEMENT]
        parameters = {column.name: [row[column.name] for row in chunk] for column in table.columns}
        await session.exec(_statement(table, key, newer), params=parameters)


def _statement(table: Table, key: Sequence[str], newer: str) -> Any:
    names = [column.name for column in table.columns]
    arrays = [bindparam(column.name, type_=ARRAY(column.type, dimensions=1)) for column in table.columns]
    source = func.unnest(*arrays).table_valued(*names, name="new").render_derived()
    statement = insert(table).from_select(names, select(*(source.c[name] for name in names)))
    return statement.on_conflict_do_update(
        index_elements=list(key),
        set_={name: statement.excluded[name] for name in names if name not in key},
        where=statement.excluded[newer] > table.c[newer],
    )
