"""The commands that an operator with a PostgreSQL server of their own uses."""

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.postgres import throw_away_server
from deploy.postgres.bootstrap import SERVICES, url_of
from shared.migrations import newest

Environment = dict[str, str]


async def steward(*arguments: str, environment: Environment) -> tuple[int, str]:
    """Exit code and output of the command, in an environment that holds nothing else."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def environment() -> AsyncIterator[Environment]:
    """The variables that name an empty server."""
    async with throw_away_server() as server:
        logins = {f"{s.upper()}_DATABASE_URL": url_of(server.url, s, user=s, password=f"of-{s}") for s in SERVICES}
        yield {"DATABASE_URL": server.url, **logins}


async def test_bootstrap_makes_everything_and_may_be_repeated(environment: Environment) -> None:
    founding = ("bootstrap", "--body", "springfield", "--name", "Springfield", "--time-zone", "America/Chicago")
    for _ in range(2):
        code, output = await steward(*founding, environment=environment)
        assert code == 0, output

    for service in SERVICES:
        connection = await asyncpg.connect(environment[f"{service.upper()}_DATABASE_URL"])
        assert await connection.fetchval(f"select version_num from {service}.alembic_version") == newest(service)
        if service == "goals":
            assert await connection.fetchval("select array_agg(slug) from goals.body") == ["springfield"]
        await connection.close()


async def test_bootstrap_appoints_an_administrator_once(environment: Environment) -> None:
    founding = ("bootstrap", "--body", "springfield", "--name", "Springfield")
    appointing = (*founding, "--administrator", "https://sign-in.springfield.example", "5c1f6f0e")
    said = [(await steward(*appointing, environment=environment))[1] for _ in range(2)]

    connection = await asyncpg.connect(environment["GOALS_DATABASE_URL"])
    held = await connection.fetch(
        "select p.subject, a.role, u.code, a.granted_by from goals.role_assignment a "
        "join goals.principal p on p.id = a.principal_id join goals.unit u on u.id = a.unit_id"
    )
    await connection.close()
    assert [tuple(row) for row in held] == [("5c1f6f0e", "administrator", "springfield", None)]
    assert ["is appointed" in said[0], "is one already" in said[1]] == [True, True]


async def test_migrate_may_be_run_on_what_is_up_to_date(environment: Environment) -> None:
    await steward("bootstrap", environment=environment)

    code, output = await steward("migrate", environment=environment)

    assert (code, output.split()) == (0, [w for s in SERVICES for w in (f"{s}:", "at", newest(s))])


@pytest.mark.parametrize("command", ["bootstrap", "migrate"])
async def test_a_missing_variable_is_named_in_one_line(command: str) -> None:
    code, output = await steward(command, environment={})

    assert code == 1
    assert len(output.splitlines()) == 1
    assert "DATABASE_URL" in output


async def test_a_login_url_for_another_database_is_refused(environment: Environment) -> None:
    crossed = environment | {"GOALS_DATABASE_URL": environment["FEEDBACK_DATABASE_URL"]}

    code, output = await steward("bootstrap", environment=crossed)

    assert code == 1
    assert "GOALS_DATABASE_URL names the login goals" in output


async def test_every_command_explains_itself() -> None:
    code, output = await steward("--help", environment={"COLUMNS": "200", "TERM": "dumb"})

    assert code == 0
    for command in (
        "demo",
        "serve",
        "worker",
        "bootstrap",
        "migrate",
        "token",
        "routes",
        "openapi",
        "contracts",
        "events",
        "load",
    ):
        assert f" {command} " in output


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_unsafe_settings_are_named_in_one_line(command: str) -> None:
    known = {"GOALS_DATABASE_URL": "postgresql://goals:dev@127.0.0.1:1/goals"}

    code, output = await steward(command, "goals", environment=known)

    assert (code, output) == (
        1,
        "steward: The password of the database login goals is one that everybody knows.\n",
    )
