"""A real Kafka broker on this machine: fetched with Maven, run with Java, its topics made as declared."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from deploy.local.places import CHECKOUT, CannotRun, make_enterable, shared_directory
from deploy.local.processes import Programme, listens

CONFIGURATION = CHECKOUT / "deploy" / "kafka"
POM = CONFIGURATION / "pom.xml"
TOPICS = CONFIGURATION / "topics.yaml"
HINT = "A local Kafka needs Java 17 or newer and Maven; on Debian or Ubuntu: apt install default-jre-headless maven"
JAVA_OPTIONS = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
"""A small heap and a quick start: after a kill the broker is back in four seconds."""


class Kafka:
    """One broker on 127.0.0.1: its directory, its port and its controller's."""

    def __init__(
        self, directory: Path, *, port: int, controller_port: int, more: str = "", users: Sequence[str] = ()
    ) -> None:
        """`more` is added to the broker's properties, and `users` are made when its directory is formatted."""
        self.directory = directory
        self.port = port
        self.controller_port = controller_port
        self._more = more
        self._users = users

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def prepare(self, report: Callable[[str], None] = lambda _: None) -> None:
        """Fetch the broker if this machine has none yet, and format its directory the first time."""
        if missing := missing_tools():
            raise CannotRun(missing)
        if not _jars().exists():
            report("Fetching Kafka, once, with Maven")
            _fetch()
        self.directory.mkdir(parents=True, exist_ok=True)
        logs = self.directory / "logs"
        self._properties.write_text(
            f"{(CONFIGURATION / 'local.properties').read_text()}\n"
            f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}\n"
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}\n"
            f"controller.quorum.voters=1@127.0.0.1:{self.controller_port}\n"
            f"log.dirs={logs}\n"
            f"{self._more}"
        )
        if not (logs / "meta.properties").exists():
            options = ["-t", str(uuid4()), "-c", str(self._properties)]
            users = [part for user in self._users for part in ("--add-scram", user)]
            _run([*_java(), "kafka.tools.StorageTool", "format", *options, *users])

    def programme(self, log: Path) -> Programme:
        """The broker as a child."""
        return Programme(
            name="Kafka",
            command=[*_java(), "kafka.Kafka", str(self._properties)],
            ready=lambda: listens(self.port),
            log=log,
        )


def missing_tools() -> str | None:
    """One line saying what to install, or None where a broker can run here."""
    java = shutil.which("java")
    if java is None or (shutil.which("mvn") is None and not _jars().exists()):
        return HINT
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - found on PATH
    version = re.search(r'version "(\d+)', told)
    return None if version and int(version[1]) >= 17 else HINT


async def make_topics(address: str, patience: float = 30.0, **options: Any) -> None:
    """Create the declared topics that the broker does not have yet, as soon as it answers."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while True:
        try:
            return await asyncio.wait_for(_make_topics(address, options), 10)
        except (KafkaError, OSError, TimeoutError) as error:
            if clock() > deadline:
                raise CannotRun(f"Kafka at {address} makes no topics: {error!r}") from error
            await asyncio.sleep(0.2)


async def _make_topics(address: str, options: Mapping[str, Any]) -> None:
    declared = [
        NewTopic(
            name=topic["name"],
            num_partitions=topic.get("partitions", 1),
            replication_factor=1,
            topic_configs={key: str(value) for key, value in topic.get("config", {}).items()},
        )
        for topic in yaml.safe_load(TOPICS.read_text())
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000, **options)
    await admin.start()
    try:
        answer = await admin.create_topics(declared)
    finally:
        await admin.close()
    for name, code, *message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise CannotRun(f"Kafka refuses the topic {name}: {message}")


def _java() -> list[str]:
    return [
        shutil.which("java") or "java",
        *JAVA_OPTIONS,
        f"-Dlog4j2.configurationFile={CONFIGURATION / 'log4j2.properties'}",
        "-cp",
        f"{_jars()}/*",
    ]


def _jars() -> Path:
    version = re.search(r"<kafka\.version>(.+?)</kafka\.version>", POM.read_text())
    return shared_directory() / f"kafka-{version[1] if version else 'unknown'}"


def _fetch() -> None:
    target = _jars()
    make_enterable(target.parent)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={unfinished}"]
    _run([shutil.which("mvn") or "mvn", "--quiet", "--batch-mode", f"--file={POM}", *goal])
    try:
        unfinished.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(unfinished)


def _run(command: list[str]) -> None:
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - Maven and Java
    if outcome.returncode:
        said = (outcome.stdout + outcome.stderr).strip().splitlines()
        raise CannotRun(f"«{Path(command[0]).name} {command[-1]}» failed:\n" + "\n".join(said[-8:]))
