"""A database set back to what it was a while ago, as a backup that is restored would do it."""

import asyncpg

from deploy.postgres.bootstrap import rights_on


def _copy_of(database: str) -> str:
    return f"{database}_as_it_was"


async def keep_copy(admin_url: str, database: str) -> None:
    """Keep a copy of a database as it is now; whoever is connected has to come back afterwards."""
    connection = await asyncpg.connect(admin_url)
    try:
        await _close(connection, database)
        await connection.execute(f"create database {_copy_of(database)} template {database}")
        await connection.execute(f"alter database {database} allow_connections true")
    finally:
        await connection.close()


async def put_back(admin_url: str, database: str) -> None:
    """Put the copy in the place of the database."""
    connection = await asyncpg.connect(admin_url)
    try:
        await _close(connection, database)
        await connection.execute(f"drop database {database}")
        await connection.execute(f"alter database {_copy_of(database)} rename to {database}")
        await connection.execute(rights_on(database, database))
        await connection.execute(f"alter database {database} allow_connections true")
    finally:
        await connection.close()


async def _close(connection: asyncpg.Connection, database: str) -> None:
    await connection.execute(f"alter database {database} allow_connections false")
    while await connection.fetchval(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1", database
    ):
        pass
