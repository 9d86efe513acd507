"""An upgrade without a pause: the last release's code works on the new schema while requests go on, then makes way."""

import asyncio
import io
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.demo.definitions import ATTENDANCES
from deploy.local.places import CHECKOUT
from deploy.local.ports import Ports
from deploy.local.postgres import throw_away_server
from deploy.local.processes import Child, Programme
from deploy.local.programmes import Deployment
from deploy.postgres.bootstrap import SERVICES, url_of
from shared.ids import random_id
from shared.migrations import migrate, newest

LAST_RELEASE = "5c40a43"
"""The code that runs while the schema of this one is made. Moves on when a release is cut."""
BODY = "springfield"
SURVEY = "springfield-parks"
QUESTION = {
    "id": "overall",
    "kind": "single_choice",
    "text": {"en": "Overall, how were the parks?"},
    "options": [{"id": "good", "text": {"en": "Good"}, "score": "4"}, {"id": "poor", "text": {"en": "Poor"}}],
}


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release as a tree of files."""
    archived = subprocess.run(
        ["git", "-C", str(CHECKOUT), "-c", "safe.directory=*", "archive", LAST_RELEASE],
        capture_output=True,
        check=False,
    )
    if archived.returncode:
        pytest.skip(f"This checkout has no history back to the last release, {LAST_RELEASE}.")
    directory = tmp_path_factory.mktemp("last-release")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory


async def until(happened: Callable[[], Awaitable[object]]) -> None:
    """Wait up to twenty seconds for something to come."""
    for _ in range(400):
        if await happened():
            return
        await asyncio.sleep(0.05)
    pytest.fail("It has not come within twenty seconds.")


@dataclass
class Rotation:
    """Requests without a pause to whatever is in rotation, as a proxy sends them; remembers every answer."""

    token: str
    urls: dict[str, list[str]]
    """Of each service, the replicas that may be asked now."""
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    written: int = 0
    in_flight: Counter[str] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        """Write and read in turn."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=10) as client:
            while not stop.is_set():
                self.written += 1
                figure = {
                    "indicator": ATTENDANCES.code,
                    "unit": BODY,
                    "period": {
                        "frequency": "month",
                        "start": f"{2000 + self.written // 12 % 20}-{self.written % 12 + 1:02}-01",
                    },
                    "value": str(self.written),
                }
                response = {"id": str(random_id()), "version": 1, "language": "en", "answers": {"overall": "good"}}
                await self._ask(client, "POST", "goals", "/v1/measurements", figure)
                await self._ask(client, "GET", "goals", f"/v1/measurements?indicator={ATTENDANCES.code}&limit=5")
                await self._ask(client, "POST", "feedback", f"/v1/surveys/{SURVEY}/responses", response)
                await self._ask(client, "GET", "reporting", f"/v1/scorecards/{BODY}")

    async def go_on(self, rounds: int = 10) -> None:
        """Wait until so many rounds more have been made."""
        wanted = self.written + rounds
        await until(lambda: self._has(wanted))

    async def _has(self, rounds: int) -> bool:
        return self.written > rounds

    async def take_out(self, service: str, url: str) -> None:
        """Send nothing there any more, and wait for what is under way."""
        self.urls[service].remove(url)
        await until(lambda: self._idle(url))

    async def _idle(self, url: str) -> bool:
        return not self.in_flight[url]

    async def _ask(self, client: httpx.AsyncClient, method: str, service: str, path: str, body: object = None) -> None:
        urls = self.urls[service]
        url = urls[self.written % len(urls)]
        self.in_flight[url] += 1
        try:
            answer = await client.request(method, f"{url}{path}", json=body)
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {error!r}")
        else:
            self.answers[answer.status_code] += 1
            if not answer.is_success:
                self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        finally:
            self.in_flight[url] -= 1


@dataclass
class Processes:
    """What runs, by name; each of them can be of the last release or of this one."""

    old: Path
    running: dict[str, Child] = field(default_factory=dict)

    async def start(self, programme: Programme, *, of_last_release: bool = False) -> None:
        """Run it until it is replaced or all ends."""
        programme = replace(programme, directory=self.old) if of_last_release else programme
        self.running[programme.name] = child = Child(programme)
        await child.start()

    async def replace(self, programme: Programme) -> None:
        """Run this release's programme in the place of what has its name."""
        await self.stop(programme.name)
        await self.start(programme)

    async def stop(self, *names: str) -> None:
        """As an orchestrator does: with a signal and patience."""
        await asyncio.gather(*(self.running.pop(name).stop() for name in names))


@pytest_asyncio.fixture
async def deployment() -> AsyncIterator[Deployment]:
    """An empty server, and the settings of a Steward on it."""
    with tempfile.TemporaryDirectory(prefix="steward-upgrade-") as directory:
        (Path(directory) / "logs").mkdir()
        async with throw_away_server() as server:
            urls = {s: url_of(server.url, s, user=s, password=f"of-{s}") for s in SERVICES}
            yield Deployment(Ports(28_100, replicas=2), Path(directory), "feed", BODY, {"": server.url, **urls})


async def steward(tree: Path, deployment: Deployment, *arguments: str) -> None:
    """Run a command of a release to its end."""
    urls = {f"{s.upper()}_DATABASE_URL": deployment.database_urls[s] for s in SERVICES}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", *arguments),
        cwd=tree,
        env={"DATABASE_URL": deployment.database_urls[""], **urls},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def asked(url: str, query: str) -> int:
    """One number from a database."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_request_fails_while_schema_and_code_are_replaced(last_release: Path, deployment: Deployment) -> None:
    processes, stop = Processes(last_release), asyncio.Event()
    goals, feedback, reporting = (deployment.database_urls[each] for each in ("goals", "feedback", "reporting"))
    issuer = deployment.issuer()
    apis = [deployment.api(service) for service in SERVICES]
    workers = [deployment.worker(service) for service in SERVICES]
    try:
        # The last release, as it was installed.
        await steward(last_release, deployment, "bootstrap", "--body", BODY, "--name", "Springfield")
        before = await asked(goals, "select version_num::int from goals.alembic_version")
        await processes.start(issuer)
        await asyncio.gather(*(processes.start(each, of_last_release=True) for each in (*apis, *workers)))
        token = deployment.tokens()["administrator"]
        of_last_release = deployment.ports.urls
        await _define(of_last_release, token)
        rotation = Rotation(token, {service: [url] for service, url in of_last_release.items()})
        asking = asyncio.create_task(rotation.run(stop))

        # Expand the schema below it.
        for service in SERVICES:
            await migrate(service, url_of(deployment.database_urls[""], service))
        assert before < await asked(goals, "select version_num::int from goals.alembic_version") == int(newest("goals"))
        await rotation.go_on()

        # Consumers first, then producers; for a while both releases are asked in turn.
        await asyncio.gather(*(processes.replace(worker) for worker in workers))
        await asyncio.gather(*(processes.start(deployment.api(service, 2)) for service in SERVICES))
        for service in SERVICES:
            rotation.urls[service].append(deployment.ports.urls_of(2)[service])
        await rotation.go_on()
        await asyncio.gather(*(rotation.take_out(service, url) for service, url in of_last_release.items()))
        await asyncio.gather(*(processes.replace(api) for api in apis))
        await rotation.go_on()
        stop.set()
        await asking

        assert rotation.failures == []
        assert rotation.answers[201] == 2 * rotation.written
        # What the last release wrote and what this one wrote has been told and applied.
        await until(lambda: asked(goals, "select 1 - least(1, count(*)) from goals.outbox"))
        assert rotation.written == await asked(
            goals, "select count(*) from goals.event_log where type = 'steward.goals.measurement.recorded.v1'"
        )
        await until(lambda: asked(feedback, "select 1 - least(1, count(*)) from feedback.scoring_queue"))
        for counted in ("count(*) from feedback.response", "sum(count) from feedback.score_cell"):
            assert rotation.written == await asked(feedback, f"select {counted}")
        end = await asked(goals, "select position from goals.log_head")
        await until(lambda: asked(reporting, f"select count(*) from reporting.progress where position >= {end}"))
    finally:
        stop.set()
        await processes.stop(*processes.running)


async def _define(urls: Mapping[str, str], token: str) -> None:
    """Something to measure, and something to answer."""
    assignment = {"indicator": ATTENDANCES.code, "unit": BODY, "valid_from": "2000-01-01"}
    survey = {"code": SURVEY, "title": {"en": "Parks"}, "unit": BODY, "threshold": 10}
    made: list[tuple[str, str, Any]] = [
        ("goals", "/v1/indicators", ATTENDANCES.definition),
        ("goals", "/v1/assignments", assignment),
        ("feedback", "/v1/surveys", survey),
        ("feedback", f"/v1/surveys/{SURVEY}/versions", {"unit": BODY, "questions": [QUESTION]}),
        ("feedback", f"/v1/surveys/{SURVEY}/versions/1:publish", None),
        ("feedback", f"/v1/surveys/{SURVEY}:open", None),
    ]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:

        async def post(service: str, path: str, body: Any) -> bool:
            answer = await client.post(f"{urls[service]}{path}", json=body)
            # Feedback learns of the body from goals.
            assert answer.is_success or (answer.status_code == 422 and path == "/v1/surveys"), answer.text
            return answer.is_success

        for each in made:
            await until(partial(post, *each))
