"""What the three logins may and may not do, tried as those logins."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio

from deploy.postgres.bootstrap import SERVICES, make_database, make_roles, url_of
from tests.fixtures.databases import PASSWORD, Database, Templates

MakeDatabase = Callable[[str], Awaitable[Database]]
EVENT = """
    insert into {0}.event_log (position, log_id, id, type, subject, subject_version, time, recorded_at, data, actor,
        salt, data_digest, actor_digest, causation_depth, hash_version, previous, hash)
    values (1, gen_random_uuid(), gen_random_uuid(), 'x', gen_random_uuid(), 1, now(), now(), '{{}}', null,
        decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), 0, 1,
        decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))
"""


async def as_login(database: Database, *statements: str) -> object:
    """Run statements as the service's login; the first column of the last one's first row."""
    connection = await asyncpg.connect(database.url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def rights(database: Database) -> object:
    """Everything anybody may do with the event log, as PostgreSQL keeps it."""
    query = "select relacl::text from pg_class where oid = '{0}.event_log'::regclass"
    return await as_login(database, query.format(database.service))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def databases(templates: Templates) -> AsyncIterator[dict[str, Database]]:
    """One database per service, with one event in its log, for tests that change nothing."""
    made = {service: await templates.clone(service) for service in SERVICES}
    for service, database in made.items():
        await as_login(database, EVENT.format(service), "select 1")
    yield made
    for database in made.values():
        await templates.drop(database.name)


@pytest.mark.parametrize("service", SERVICES)
class TestTheLoginOfAService:
    async def test_it_reads_and_adds_events(self, service: str, database: MakeDatabase) -> None:
        made = await database(service)

        count = await as_login(made, EVENT.format(service), f"select count(*) from {service}.event_log")

        assert count == 1

    @pytest.mark.parametrize(
        "statement",
        [
            "update {0}.event_log set data = 'forged'",
            "delete from {0}.event_log",
            "truncate {0}.event_log",
            "alter table {0}.event_log add column extra text",
            "alter table {0}.event_log disable trigger all",
            "drop table {0}.event_log",
            "create table {0}.stray (id bigint)",
            "create table public.stray (id bigint)",
            "create schema stray",
            "set role {0}_owner",
            "update {0}.alembic_version set version_num = '9999'",
        ],
    )
    async def test_it_is_refused(self, service: str, statement: str, databases: dict[str, Database]) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_login(databases[service], statement.format(service))

    async def test_a_grant_changes_no_privilege(self, service: str, database: MakeDatabase) -> None:
        made = await database(service)
        before = await rights(made)
        connection = await asyncpg.connect(made.url)
        # PostgreSQL warns and does nothing; nothing is raised.
        await connection.execute(f"grant update, delete, truncate on {service}.event_log to {service}, public")
        await connection.close()

        assert await rights(made) == before

    async def test_another_services_database_is_closed(self, service: str, databases: dict[str, Database]) -> None:
        for other, made in databases.items():
            foreign = replace(made, url=url_of(made.admin_url, made.name, user=service, password=PASSWORD))
            if other == service:
                assert await as_login(foreign, "select current_user") == service
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
                await as_login(foreign, "select 1")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "statement", ["update {0}.event_log set data = 'x'", "delete from {0}.event_log", "truncate {0}.event_log"]
)
async def test_not_even_the_owner_rewrites_the_log(
    service: str, statement: str, databases: dict[str, Database]
) -> None:
    connection = await asyncpg.connect(databases[service].admin_url)
    await connection.execute(f"set role {service}_owner")

    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await connection.execute(statement.format(service))
    await connection.close()


async def test_bootstrapping_again_changes_nothing(templates: Templates, database: MakeDatabase) -> None:
    made = await database("goals")
    query = "select array_agg(nspacl::text || defaclacl::text order by 1) from pg_namespace join pg_default_acl on true"
    before = await as_login(made, query)

    await make_roles(templates.admin_url, "goals", PASSWORD)
    await make_database(templates.admin_url, "goals", made.name)

    assert await as_login(made, query) == before


async def test_two_bootstraps_at_once_do_not_collide(templates: Templates) -> None:
    async def once() -> None:
        await make_roles(templates.admin_url, "goals", PASSWORD)
        await make_database(templates.admin_url, "goals", name)

    name = f"test_twice_{templates.run}"
    try:
        await asyncio.gather(once(), once(), once())
    finally:
        await templates.drop(name)
