"""A minute of harm in each event mode: what was acknowledged is there, once and in order."""

import pytest

from deploy.local.kafka import missing_tools
from deploy.local.stack import Events
from tests.chaos.harm import Temper, kind_of
from tests.chaos.proof import Plan
from tests.chaos.run import everything_at_random, say, sound, write
from tests.fixtures.lanes import leave_out
from tests.journeys.conftest import free_base

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]
SEED = 7
MODES = ["feed", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.mark.parametrize("mode", MODES)
async def test_nothing_acknowledged_is_lost_doubled_or_out_of_order_whatever_is_killed(mode: Events) -> None:
    if mode == "kafka" and (missing := missing_tools()):
        leave_out(missing)
    plan = Plan(events=mode, seed=SEED, seconds=60, port_base=free_base())

    result = await everything_at_random(plan, say, temper=Temper(pause=8, between=10))

    write([{"scenario": "at-random", **result}])
    assert sound(result), [*result["examples"], *result["broken"]]
    assert result["acknowledged"] > 300
    assert {kind_of(name) for name in result["kills"]} >= {"an API", "a worker", "postgres", *{"kafka"} & {mode}}
    assert result["pauses"] >= 2
    # Where the machine may have no such wire the result says why.
    assert result["not_cut"] or (result["cuts"] >= 1 and result["dropped_packets"] > 0)
