"""Whatever a request is made of, and whoever sends it, a service answers as its document says, and with no 5xx."""

import asyncio
import sys
from pathlib import Path

import pytest

from deploy.postgres.bootstrap import SERVICES
from tests.architecture.access.walking import ADMINISTRATOR
from tests.fixtures.databases import Templates
from tests.fixtures.services import SignsTokens
from tests.fuzz.serving import served

HERE = Path(__file__).parent
PROGRAMME = Path(sys.executable).parent / "schemathesis"
A_MOMENT = ["--seed", "20", "--max-examples", "3"]
_A_LONG_MOMENT = 600
_WITH_EDGES = {("feedback", ADMINISTRATOR), ("reporting", ADMINISTRATOR)}
"""Every edge of every schema is for whoever is let through everywhere; those of goals are 3 000, for `make fuzz`."""


@pytest.mark.slow
@pytest.mark.timeout(0)  # it ends itself, in a moment or when its minutes are over
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_answers_each_caller_as_its_document_says(
    service: str, templates: Templates, token: SignsTokens, issuer_directory: Path, pytestconfig: pytest.Config
) -> None:
    minutes: int | None = pytestconfig.getoption("--fuzz-minutes", default=None)

    def how_long(caller: str) -> list[str]:
        if minutes is not None:
            return ["--max-time", str(minutes * 60 // len(SERVICES))]
        coverage = "coverage," if (service, caller) in _WITH_EDGES else ""
        return [*A_MOMENT, "--phases", f"examples,{coverage}fuzzing"]

    longest = _A_LONG_MOMENT if minutes is None else None
    async with asyncio.timeout(longest), served(service, templates, token, issuer_directory) as there:
        found = await asyncio.gather(
            *(fuzzed(there.address, token, *how_long(caller)) for caller, token in there.callers.items())
        )

    faults = [f"As {caller}:\n{told}" for caller, (told, ended) in zip(there.callers, found, strict=True) if ended]
    assert not faults, "\n\n".join(faults)


async def fuzzed(address: str, token: str | None, *options: str) -> tuple[str, int]:
    """What the fuzzer says of a service, and how it ended."""
    signed = ["--header", f"Authorization: Bearer {token}"] if token else []
    process = await asyncio.create_subprocess_exec(
        PROGRAMME, "--config-file", HERE / "schemathesis.toml", "run", f"{address}/openapi.json", *signed, *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return told.decode(), process.returncode or 0
