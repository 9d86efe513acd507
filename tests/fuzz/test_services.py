"""Whatever a request is made of, a service answers as its OpenAPI document says, and never with a 5xx."""

import asyncio
import sys
from pathlib import Path

import pytest

from deploy.postgres.bootstrap import SERVICES
from tests.fixtures.databases import Templates
from tests.fixtures.services import SignsTokens
from tests.fuzz.serving import served

HERE = Path(__file__).parent
PROGRAMME = Path(sys.executable).parent / "schemathesis"
A_MOMENT = ["--seed", "20", "--max-examples", "3"]
_A_LONG_MOMENT = 600
_PHASES = {"goals": "examples,fuzzing"}
"""Every edge of every schema of goals takes 3 000 requests, more than a moment: those are for `make fuzz`."""


@pytest.mark.slow
@pytest.mark.timeout(0)  # it ends itself, in a moment or when its minutes are over
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_answers_as_its_document_says(
    service: str, templates: Templates, token: SignsTokens, issuer_directory: Path, pytestconfig: pytest.Config
) -> None:
    minutes: int | None = pytestconfig.getoption("--fuzz-minutes", default=None)
    moment = [*A_MOMENT, "--phases", _PHASES.get(service, "examples,coverage,fuzzing")]
    how_long = moment if minutes is None else ["--max-time", str(minutes * 60 // len(SERVICES))]
    longest = _A_LONG_MOMENT if minutes is None else None
    async with asyncio.timeout(longest), served(service, templates, token, issuer_directory) as address:
        told, ended = await fuzzed(address, token("administrator"), *how_long)

    assert ended == 0, told


async def fuzzed(address: str, token: str, *options: str) -> tuple[str, int]:
    """What the fuzzer says of a service, and how it ended."""
    process = await asyncio.create_subprocess_exec(
        PROGRAMME, "--config-file", HERE / "schemathesis.toml", "run", f"{address}/openapi.json",
        "--header", f"Authorization: Bearer {token}", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return told.decode(), process.returncode or 0
