"""What is done to Steward on purpose, each for some seconds: no promise is broken."""

import pytest

from deploy.local.kafka import missing_tools
from deploy.local.stack import Events
from tests.chaos.proof import Plan
from tests.chaos.run import say, sound, write
from tests.chaos.scenarios import SCENARIOS, Skipped
from tests.fixtures.lanes import leave_out
from tests.journeys.conftest import free_base

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
SEED = 7
ON_FEEDS = {"back-pressure": 5.0, "disk-full": 8.0, "restore": 8.0, "wire-cut": 5.0}
ON_KAFKA = {"broker-down": 10.0, "restore": 8.0}
"""Scenarios, with how many seconds what they do lasts."""


@pytest.mark.parametrize("name", ON_FEEDS)
async def test_over_feeds_no_promise_is_broken_by(name: str) -> None:
    await _keeps_its_promises(name, "feed", ON_FEEDS[name])


@pytest.mark.kafka
@pytest.mark.parametrize("name", ON_KAFKA)
async def test_over_kafka_no_promise_is_broken_by(name: str) -> None:
    if missing := missing_tools():
        leave_out(missing)
    await _keeps_its_promises(name, "kafka", ON_KAFKA[name])


async def _keeps_its_promises(name: str, mode: Events, seconds: float) -> None:
    plan = Plan(events=mode, seed=SEED, seconds=seconds, port_base=free_base())
    try:
        result = await SCENARIOS[name](plan, say)
    except Skipped as reason:
        pytest.skip(str(reason))  # not every machine gives us root
    write([{"scenario": name, **result}])
    assert sound(result), result
