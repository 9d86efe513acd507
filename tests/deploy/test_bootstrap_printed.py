"""What `steward bootstrap --print` prints, run by the superuser of a PostgreSQL 15, and a service started on it."""

import asyncio
import shutil
import sys

import asyncpg
import httpx
import pytest

from deploy.local.postgres import throw_away_server
from deploy.postgres.bootstrap import SERVICES, url_of
from tests.deploy.test_serve_with_worker import answers, serving
from tests.fixtures.databases import Database
from tests.fixtures.lanes import fifteen, leave_out


async def run(*command: str, environment: dict[str, str], given: str = "") -> str:
    """What a command says, once it has ended well."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, wrong = await process.communicate(given.encode())
    assert process.returncode == 0, wrong.decode()
    return said.decode()


async def steward(*arguments: str, environment: dict[str, str]) -> str:
    """Run the command."""
    return await run(sys.executable, "-m", "deploy.cli.main", *arguments, environment=environment)


@pytest.mark.slow
async def test_a_service_works_on_what_an_administrator_made_by_hand() -> None:
    if (psql := shutil.which("psql")) is None:
        leave_out("This lane needs psql; on Debian: apt install postgresql-client")
    async with throw_away_server(fifteen()) as server:
        printed = await steward("bootstrap", "--print", environment={})
        await run(psql, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", server.url, environment={}, given=printed)
        by_hand = await asyncpg.connect(server.url)
        for service in SERVICES:
            await by_hand.execute(f"alter role {service} password 'of-{service}'")
        await by_hand.execute("create role migrates login password 'of-migrates'")
        await by_hand.execute("grant goals_owner, feedback_owner, reporting_owner to migrates")
        await by_hand.close()
        urls = {service: url_of(server.url, service, user=service, password=f"of-{service}") for service in SERVICES}
        environment = {
            "DATABASE_URL": url_of(server.url, "postgres", user="migrates", password="of-migrates"),
            **{f"{service.upper()}_DATABASE_URL": url for service, url in urls.items()},
        }

        said = await steward("bootstrap", "--body", "springfield", "--name", "Springfield", environment=environment)

        assert "springfield: the body is founded" in said
        async with serving(Database("goals", "goals", urls["goals"], server.url)) as (_, port):
            await answers(port)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                assert (await client.get("/v1/limits")).status_code == 200
        told = await asyncpg.connect(urls["goals"])
        assert await told.fetchval("select count(*) from goals.event_log") > 0
        await told.close()
