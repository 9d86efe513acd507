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


# Not collected by itself: `make fuzz` runs it, as its minutes are its own.
@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_answers_as_its_document_says(
    service: str, templates: Templates, token: SignsTokens, issuer_directory: Path, pytestconfig: pytest.Config
) -> None:
    minutes: int | None = pytestconfig.getoption("--fuzz-minutes", default=None)
    how_long = A_MOMENT if minutes is None else ["--max-time", str(minutes * 60 // len(SERVICES))]
    async with served(service, templates, token, issuer_directory) as address:
        told, ended = await fuzzed(address, token("administrator"), *how_long)

    assert ended == 0, told


async def fuzzed(address: str, token: str, *options: str) -> tuple[str, int]:
    """What the fuzzer says of a service, and how it ended."""
    process = await asyncio.create_subprocess_exec(
        PROGRAMME, "--config-file", HERE / "schemathesis.toml", "run", f"{address}/openapi.json",
        "--header", f"Authorization: Bearer {token}", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return told.decode(), process.returncode or 0
