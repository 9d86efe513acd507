"""Writing many rows at once into a table that keeps the newest of each key, whatever order they come in."""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
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
    identity = itemgetter(*(column.name for column in table.primary_key))
    newest: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        held = newest.setdefault(identity(row), row)
        if row[newer] > held[newer]:
            newest[identity(row)] = row
    kept = list(newest.values())
    if len(kept) > ROWS_PER_STATEMENT:
        kept.sort(key=identity)  # as each statement is by itself
    for first in range(0, len(kept), ROWS_PER_STATEMENT):
        chunk = kept[first : first + ROWS_PER_STATEMENT]
        parameters = {column.name: [row[column.name] for row in chunk] for column in table.columns}
        await session.exec(_statement(table, newer), params=parameters)


@cache
def _statement(table: Table, newer: str) -> Any:
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key]
    arrays = [bindparam(column.name, type_=ARRAY(column.type, dimensions=1)) for column in table.columns]
    source = func.unnest(*arrays).table_valued(*names, name="new").render_derived()
    # In order, so that two transactions that write the same rows wait for each other instead of deadlocking.
    new = select(*(source.c[name] for name in names)).order_by(*(source.c[name] for name in key))
    statement = insert(table).from_select(names, new)
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={name: statement.excluded[name] for name in names if name not in key},
        where=statement.excluded[newer] > table.c[newer],
    )
