"""Bootstrap by an administrator who is no superuser, and by hand with psql; on our PostgreSQL and on a system's 15."""

import shutil
import subprocess
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.body import Founding, found
from deploy.local.postgres import throw_away_server
from deploy.postgres.bootstrap import SERVICES, NotAllowed, bootstrap, script, url_of
from shared.database import pool_for
from shared.messaging.sequencer import sequence_once
from shared.migrations import check, migrate, newest
from tests.fixtures.lanes import fifteen, leave_out

PASSWORDS = {service: f"of-{service}" for service in SERVICES}
EVERYTHING = """
select string_agg(line, chr(10) order by line) from (
    select format('role %s %s %s', rolname, rolcanlogin, rolsuper or rolcreatedb or rolcreaterole) as line
    from pg_roles where rolname !~ '^pg_'
    union all
    select format('member %s of %s', member::regrole, roleid::regrole) from pg_auth_members
    union all
    select format('database %s %s %s', datname, datdba::regrole, datacl) from pg_database
) as lines
"""
INSIDE = """
select string_agg(line, chr(10) order by line) from (
    select format('schema %s %s %s', nspname, nspowner::regrole, nspacl) as line
    from pg_namespace where nspname !~ '^(pg_|information_schema)'
    union all
    select format('default %s %s %s', defaclrole::regrole, defaclobjtype, defaclacl) from pg_default_acl
) as lines
"""


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="session",
    params=["ours", pytest.param("a system's PostgreSQL 15", marks=pytest.mark.slow)],
)
async def administrator(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of one who may create roles and databases on an empty server, and nothing else."""
    async with throw_away_server(None if request.param == "ours" else fifteen()) as server:
        await asked(server.url, "create role dba login createrole createdb password 'of-dba'")
        yield url_of(server.url, "postgres", user="dba", password="of-dba")


async def asked(url: str, query: str) -> object:
    """One value of a database."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def state(administrator: str) -> list[object]:
    """Every role, membership, database, schema and right that there is."""
    inside = [await asked(url_of(administrator, service), INSIDE) for service in SERVICES]
    return [await asked(administrator, EVERYTHING), *inside]


def run_by_hand(administrator: str) -> None:
    """What an administrator does with the printed SQL."""
    if (psql := shutil.which("psql")) is None:
        leave_out("This lane needs psql; on Debian: apt install postgresql-client")
    command = [psql, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", administrator]
    outcome = subprocess.run(command, input=script(), capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


async def test_what_is_printed_does_what_the_command_does(administrator: str) -> None:
    run_by_hand(administrator)
    by_hand = await state(administrator)

    await bootstrap(administrator, PASSWORDS)
    by_command = await state(administrator)
    run_by_hand(administrator)

    assert by_command == by_hand
    assert await state(administrator) == by_command


def test_what_is_printed_holds_no_password() -> None:
    assert "password '" not in script().lower()


async def test_a_role_that_may_create_neither_roles_nor_databases_is_told_what_it_needs(administrator: str) -> None:
    await bootstrap(administrator, PASSWORDS)

    with pytest.raises(NotAllowed, match="needs CREATEROLE and CREATEDB"):
        await bootstrap(url_of(administrator, "goals", user="goals", password=PASSWORDS["goals"]), PASSWORDS)


async def test_the_schema_is_made_and_a_service_works_on_it(administrator: str) -> None:
    await bootstrap(administrator, PASSWORDS)
    for service in SERVICES:
        await migrate(service, url_of(administrator, service))
        await check(service, url_of(administrator, service))
    goals = url_of(administrator, "goals", user="goals", password=PASSWORDS["goals"])

    await found(Founding(slug="springfield", name={"en": "Springfield"}), goals)
    async with pool_for(goals, schema="goals", size=1) as pool:
        sequenced = await sequence_once(pool, schema="goals", now=(await pool.fetchval("select now()")))

    assert await asked(goals, "select version_num from goals.alembic_version") == newest("goals")
    assert sequenced > 0
    assert sequenced == await asked(goals, "select count(*) from goals.event_log")
