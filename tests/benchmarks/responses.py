"""One survey response stored, and batches of a hundred."""

import json
import time
from typing import Any

import asyncpg
from rich.progress import Progress

from deploy.demo.api import Api
from deploy.local.stack import Stack
from deploy.postgres.bootstrap import url_of
from shared.ids import random_id
from tests.benchmarks.clients import Act, alternately, repeat
from tests.benchmarks.figures import Figure, Side, median_of, rates
from tests.benchmarks.processes import door, halted
from tests.benchmarks.raw_http import Connection

SURVEY = "bench-ten"
CONNECTIONS, SECONDS = 32, 5.0
BATCH, BATCH_CONNECTIONS = 100, 4
CHOICES = [f"choice{number}" for number in range(8)]
OPTIONS = ("very_good", "good", "neither", "poor", "very_poor")
WORDS = "The waiting room was warm and clean, but nobody told us how long it would take. " * 3


def questions() -> list[dict[str, Any]]:
    """Ten questions: eight to choose from, a number and a text."""
    options = [{"id": option, "text": {"en": option.replace("_", " ")}} for option in OPTIONS]
    choices = [
        {"id": each, "kind": "single_choice", "text": {"en": f"How was {each}?"}, "required": True, "options": options}
        for each in CHOICES
    ]
    number = {"id": "hours", "kind": "number", "text": {"en": "How many hours?"}, "required": True, "min": "0"}
    words = {"id": "words", "kind": "text", "text": {"en": "What else?"}, "required": False, "max_length": 1000}
    return [*choices, {**number, "max": "72"}, words]


async def publish_survey(stack: Stack) -> None:
    """The survey of ten questions, open to everybody."""
    progress = Progress(disable=True)
    async with (
        Api(stack.urls["goals"], stack.tokens["administrator"], progress) as goals,
        Api(stack.urls["feedback"], stack.tokens["performance_officer"], progress) as feedback,
    ):
        root = (await goals.get("/v1/body"))["root_unit_id"]
        made = {"code": SURVEY, "unit": root, "title": {"en": "Ten"}, "threshold": 10}
        await feedback.post("/v1/surveys", made, after=f"goals/{root}/1")
        await feedback.post(f"/v1/surveys/{SURVEY}/versions", {"questions": questions()})
        await feedback.post(f"/v1/surveys/{SURVEY}/versions/1:publish")
        await feedback.post(f"/v1/surveys/{SURVEY}:open")


def response(words: str | None = None) -> dict[str, Any]:
    """A response as a phone posts it; an answer to every question, the text only where it is given."""
    answers = {each: OPTIONS[number % 5] for number, each in enumerate(CHOICES)} | {"hours": "2.5"}
    if words:
        answers["words"] = words
    return {"id": str(random_id()), "version": 1, "language": "en", "answers": answers}


def single(prefix: str, words: str | None) -> Act:
    """Posting one response."""

    async def act(connection: Connection) -> int:
        status, _, body = await connection.request("POST", f"{prefix}/v1/surveys/{SURVEY}/responses", response(words))
        assert status == 201, body
        return 1

    return act


async def batch(connection: Connection) -> int:
    """Posting a hundred responses in one request."""
    items = {"items": [response() for _ in range(BATCH)]}
    status, _, body = await connection.request("POST", f"/v1/surveys/{SURVEY}/responses:batch", items)
    assert status == 207, body
    return BATCH


async def measure_responses(stack: Stack) -> list[Figure]:
    """Responses one by one, without and with a text, and in batches."""
    await publish_survey(stack)
    async with door("feedback", stack) as port, halted(stack, "feedback_worker"):

        async def one(words: str | None, name: str) -> Figure:
            ours, bare = await alternately(
                lambda seconds: repeat(port, single("", words), connections=CONNECTIONS, seconds=seconds),
                lambda seconds: repeat(port, single("/reference", words), connections=CONNECTIONS, seconds=seconds),
                seconds=SECONDS,
            )
            return rates(name, ours, bare, unit="responses/s", goal=0.65, note="against the same without the write")

        async def many() -> Figure:
            ours, copied = await alternately(
                lambda seconds: repeat(port, batch, connections=BATCH_CONNECTIONS, seconds=seconds),
                lambda seconds: copy_batches(stack, seconds),
                seconds=SECONDS,
            )
            note = "against one connection with COPY"
            return rates(f"responses, in batches of {BATCH}", ours, copied, unit="responses/s", goal=0.4, note=note)

        await repeat(port, single("", None), connections=CONNECTIONS, seconds=1)
        return [
            await median_of(lambda: one(None, "response of ten questions")),
            await median_of(lambda: one(WORDS, "response of ten questions, with a text")),
            await median_of(many),
        ]


async def copy_batches(stack: Stack, seconds: float) -> Side:
    """What PostgreSQL itself takes: one connection, one transaction per hundred, COPY into both tables."""
    connection = await asyncpg.connect(url_of(stack.database_url, "feedback"))
    survey = await connection.fetchval("select id from feedback.survey where code = $1", SURVEY)
    answers = json.dumps(response()["answers"])
    day = await connection.fetchval("select current_date")
    count, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        ids = [random_id() for _ in range(BATCH)]
        async with connection.transaction():
            await connection.copy_records_to_table(
                "response",
                schema_name="feedback",
                columns=["id", "survey_id", "version", "language", "answers", "day"],
                records=[(id_, survey, 1, "en", answers, day) for id_ in ids],
            )
            await connection.copy_records_to_table(
                "scoring_queue",
                schema_name="feedback",
                columns=["survey_id", "response_id"],
                records=[(survey, id_) for id_ in ids],
            )
        count += BATCH
    await connection.close()
    return Side(count, elapsed)
