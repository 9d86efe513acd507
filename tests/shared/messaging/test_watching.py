"""The numbers an operator watches say what the log lacks, where it is to have it at all."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from shared.messaging.standing import Standings
from shared.messaging.watching import watch
from tests.shared.messaging.events import NOW, Service, log_of


async def seen(service: Service, *parts: str) -> dict[str, float | None]:
    """The gauges of a worker with these parts, three days after the log began."""
    standings = Standings()
    for part in parts:
        standings.take_in(part)
    await watch(service.sessions, service.tables, standings=standings, now=NOW + timedelta(days=3))
    return {name: REGISTRY.get_sample_value(f"steward_{name}") for name in ("unpublished_events", "unanchored_seconds")}


@pytest.mark.parametrize(
    ("parts", "unpublished", "unanchored"),
    [(["sequencer"], 0, 0), (["publisher"], 3, 0), (["anchor"], 0, timedelta(days=3).total_seconds())],
)
async def test_only_what_a_part_is_there_for_is_missing(
    goals: Service, parts: list[str], unpublished: int, unanchored: float
) -> None:
    await log_of(goals, 3)

    assert await seen(goals, *parts) == {"unpublished_events": unpublished, "unanchored_seconds": unanchored}


async def test_what_kafka_has_and_what_is_signed_is_not_missing(goals: Service) -> None:
    await log_of(goals, 3)
    await goals.pool.execute("insert into cursor (name, position, hash) select 'kafka', position, hash from log_head")
    await goals.pool.execute(
        "insert into anchor select log_id, position, hash, $1, 'signed' from log_head", NOW + timedelta(hours=1)
    )

    assert await seen(goals, "publisher", "anchor") == {"unpublished_events": 0, "unanchored_seconds": 0}
