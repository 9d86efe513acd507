"""What a PostgreSQL server needs once for Steward: three databases, two roles for each, their schemas and rights."""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

SERVICES = ("goals", "feedback", "reporting")
SCHEMAS: Mapping[str, tuple[str, ...]] = {
    "goals": ("goals",),
    "feedback": ("feedback",),
    "reporting": ("reporting", "reporting_read"),
}
_HERE = Path(__file__).parent
_LOCK = 5_000_007
"""Roles belong to the whole server, so two bootstraps at once would collide on its catalogue."""

_MADE_BY_HAND = """
select not (rolsuper or rolcreaterole)
    and (select count(*) = cardinality($1::text[]) from pg_database where datname = any($1))
    and (select count(*) = cardinality($1) from pg_roles where rolname = any($2) and pg_has_role(oid, 'member'))
from pg_roles where rolname = current_user
"""
_CREATED_UNLESS_THERE = (
    "select '{create}' where not exists (select from pg_database where datname = '{database}') \\gexec\n"
)


def url_of(admin_url: str, database: str, *, user: str | None = None, password: str | None = None) -> str:
    """The URL of another database of the same server, for the administrator or for a role."""
    url = make_url(admin_url).set(database=database)
    if user is not None:
        url = url.set(username=user, password=password)
    return url.render_as_string(hide_password=False)


class NotAllowed(Exception):
    """The administrator may not do what bootstrap does."""


async def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Make what is missing, for all three services; doing it again changes nothing but the passwords.

    A role that may make no roles, and may act as the owners, finds everything made by hand and changes nothing.
    """
    if await _made_by_hand(admin_url):
        return
    try:
        for service in SERVICES:
            await make_roles(admin_url, service, passwords[service])
            await make_database(admin_url, service, service)
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowed(
            f"DATABASE_URL's role may not do this: {error}. It needs CREATEROLE and CREATEDB, and, of roles that are "
            "there already, the ADMIN option; or have an administrator run what «steward bootstrap --print» prints."
        ) from error


async def _made_by_hand(admin_url: str) -> bool:
    connection = await asyncpg.connect(admin_url)
    try:
        owners = [f"{service}_owner" for service in SERVICES]
        return bool(await connection.fetchval(_MADE_BY_HAND, list(SERVICES), owners))
    finally:
        await connection.close()


def script() -> str:
    """The same as SQL for psql, for a server that only its own administrators change; it holds no password."""
    parts = [(_HERE / "print.sql").read_text()]
    for service in SERVICES:
        schemas = "".join(_sql("schema", service=service, schema=schema) for schema in SCHEMAS[service])
        parts += [
            _sql("roles", service=service),
            _CREATED_UNLESS_THERE.format(create=_create(service), database=service),
            rights_on(service, service),
            f"\\connect {service}\n{schemas}\\connect :first_database\n",
        ]
    return "\n".join(parts)


async def make_roles(admin_url: str, service: str, password: str) -> None:
    """Make a service's two roles and set the login's password."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(_sql("roles", service=service))
            statement = await connection.fetchval(
                "select format('alter role %I login password %L', $1::text, $2::text)", service, password
            )
            await connection.execute(statement)
    finally:
        await connection.close()


async def make_database(admin_url: str, service: str, database: str) -> None:
    """Make a service's database under this name, its schemas, and the rights of the service's roles."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", database):
            await connection.execute(_create(database))
        await connection.execute(rights_on(database, service))
        await _make_schemas(url_of(admin_url, database), service)
    finally:
        await connection.close()


def rights_on(database: str, service: str) -> str:
    """The SQL that lets a service's roles, and nobody else, into a database; a clone does not inherit it."""
    return _sql("database", service=service, database=database)


async def _make_schemas(url: str, service: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for schema in SCHEMAS[service]:
                await connection.execute(_sql("schema", service=service, schema=schema))
    finally:
        await connection.close()


def _create(database: str) -> str:
    return f"create database {database} template template0 encoding utf8"


def _sql(piece: str, **names: str) -> str:
    sql = (_HERE / f"{piece}.sql").read_text()
    for placeholder, name in names.items():
        sql = sql.replace(f"{{{placeholder}}}", name)
    return sql
