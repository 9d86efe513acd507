"""All of Steward on one machine: announced when it answers, mended when a part dies, found again by a second run."""

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.local.places import CannotRun
from deploy.local.ports import Ports
from deploy.local.stack import Stack, running

PROCESSES = {
    *("postgres", "kafka", "issuer", "goals", "goals_worker"),
    *("feedback", "feedback_worker", "reporting", "reporting_worker"),
}


def free_base() -> int:
    """A base above which none of a stack's ports is taken."""
    for base in range(21000, 31000, 50):
        ports = [port for port, _ in Ports(base).used(postgres=True, kafka=True)]
        try:
            for port in ports:
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("no free ports")


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A data directory that PostgreSQL's account can enter even where the tests run as root, unlike tmp_path."""
    directory = Path(tempfile.mkdtemp(prefix="steward-stack-"))
    yield directory
    shutil.rmtree(directory)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(directory: Path) -> AsyncIterator[Stack]:
    """A running stack on its feeds."""
    async with running(Stack(data_dir=directory, port_base=free_base(), ready_file=directory / "told.json")) as stack:
        yield stack


def told(stack: Stack) -> dict[str, Any]:
    """What the ready file says."""
    content: dict[str, Any] = json.loads((stack.directory / "told.json").read_text())
    return content


pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class TestTheReadyFile:
    def test_it_says_where_everything_is(self, stack: Stack) -> None:
        content = told(stack)

        assert content["events"] == "feed"
        assert content["urls"] == {
            service: f"http://127.0.0.1:{stack.ports.base + number}"
            for number, service in enumerate(("goals", "feedback", "reporting"), start=1)
        }
        assert content["sign_in"]["auditor"] == f"{content['urls']['reporting']}/sign-in?login_hint=auditor"
        assert "follower" not in content["sign_in"]
        assert content["kafka"] is None
        assert content["seconds"] > 0
        assert set(content["pids"]) == PROCESSES
        assert [name for name, pid in content["pids"].items() if pid is None] == ["kafka"]

    def test_only_its_owner_may_read_it(self, stack: Stack) -> None:
        assert stat.S_IMODE((stack.directory / "told.json").stat().st_mode) == 0o600

    async def test_its_addresses_answer_and_its_tokens_are_taken(self, stack: Stack) -> None:
        content = told(stack)
        async with httpx.AsyncClient() as client:
            for url in content["urls"].values():
                assert (await client.get(f"{url}/readyz")).status_code == 200
            units = f"{content['urls']['goals']}/v1/units"
            answer = await client.get(units, headers={"Authorization": f"Bearer {content['tokens']['administrator']}"})

        assert [unit["code"] for unit in answer.json()["items"]] == ["england"]

    async def test_its_database_url_is_the_administrators(self, stack: Stack) -> None:
        connection = await asyncpg.connect(told(stack)["database_url"])
        databases = await connection.fetch("select datname from pg_database")
        await connection.close()

        assert {"goals", "feedback", "reporting"} <= {row["datname"] for row in databases}


async def test_what_was_loaded_need_not_be_replayed_once_it_is_announced(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.database_url)
    try:
        await connection.execute("create table loaded as select repeat('x', 100) from generate_series(1, 10000)")
        loaded = await connection.fetchval("select pg_current_wal_lsn()")
        await connection.execute("drop table loaded")

        await stack.announce(loaded={}, seconds=1)

        assert await connection.fetchval("select redo_lsn >= $1 from pg_control_checkpoint()", loaded)
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ["goals", "feedback_worker", "issuer", "postgres"])
async def test_a_killed_part_comes_back_and_is_announced(stack: Stack, name: str) -> None:
    killed = told(stack)["pids"][name]

    os.kill(killed, signal.SIGKILL)

    async with asyncio.timeout(20):
        while True:
            if stack.pids[name] not in (None, killed):
                break
            await asyncio.sleep(0.02)
    async with asyncio.timeout(60):
        while True:
            if told(stack)["pids"][name] == stack.pids[name]:
                break
            await asyncio.sleep(0.1)


def test_every_part_has_a_session_of_its_own(stack: Stack) -> None:
    for pid in stack.pids.values():
        if pid is not None:
            assert os.getsid(pid) == pid


async def test_a_directory_in_use_is_named(stack: Stack) -> None:
    with pytest.raises(CannotRun, match=f"{stack.directory} is in use by another Steward"):
        await Stack(data_dir=stack.directory, port_base=free_base()).start()


async def test_a_taken_port_is_named(stack: Stack, directory: Path) -> None:
    other = Stack(data_dir=directory / "other", port_base=stack.ports.base)
    try:
        with pytest.raises(CannotRun, match=rf"Port {stack.ports.issuer} \(issuer of tokens\) is taken"):
            await other.start()
    finally:
        await other.stop()


async def test_a_stop_leaves_nothing_running_and_a_second_run_finds_the_data(stack: Stack) -> None:
    before = await _body(stack)
    pids = [pid for pid in stack.pids.values() if pid is not None]

    await stack.stop()

    assert [pid for pid in pids if _exists(pid)] == []
    assert not (stack.directory / "told.json").exists()
    async with running(Stack(data_dir=stack.directory, port_base=free_base())) as second:
        assert await _body(second) == before


async def _body(stack: Stack) -> object:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {stack.tokens['administrator']}"}) as client:
        answer = await client.get(f"{stack.urls['goals']}/v1/body")
        return answer.json()["id"]


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
