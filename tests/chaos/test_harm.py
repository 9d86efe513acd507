"""Harm is done to every kind of part, and what was not done is told."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.local.stack import Stack
from tests.chaos import harm
from tests.chaos.harm import Harm, Temper, kind_of
from tests.chaos.wire import Wire

PARTS = ["postgres", "kafka", "issuer", "goals", "goals_2", "reporting", "goals_worker", "goals_worker_2"]
EVERYTHING = ["a worker was never killed", "an API was never killed", "kafka was never killed"]
EVERYTHING += ["postgres was never killed", "no worker was paused"]


def harming(wire: object = None, seed: int = 7) -> Harm:
    """Harm to a Steward that only looks like one."""
    stack = cast(Stack, SimpleNamespace(pids=dict.fromkeys(PARTS, 1), kafka="127.0.0.1:1"))
    return Harm(stack, seed=seed, temper=Temper(), wire=cast(Wire, wire), far=(), report=lambda _: None)


def test_who_has_done_nothing_has_left_everything_undone() -> None:
    assert harming().undone == EVERYTHING


def test_one_of_each_kind_and_a_pause_is_enough_where_there_is_no_wire() -> None:
    done = harming()
    done.kills.update(["postgres", "kafka", "goals_2", "goals_worker"])
    done.pauses = 1

    assert done.undone == []


def test_a_cut_that_drops_nothing_is_none() -> None:
    done = harming(SimpleNamespace(dropped=0))
    done.cuts = 3

    assert done.undone == [*EVERYTHING, "the wire was cut 3 times and no packet was dropped"]


@pytest.mark.parametrize("seed", range(5))
async def test_one_of_each_kind_is_killed_before_any_is_killed_twice(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    killing, killed = harming(seed=seed), list[str]()

    def kill(name: str) -> int:
        killed.append(name)
        return 1

    async def back(*_: Any) -> None:
        if len(killed) == 4:
            killing.stop()

    monkeypatch.setattr(killing, "_kill", kill)
    monkeypatch.setattr(killing, "_back", back)
    monkeypatch.setattr(harm, "_BETWEEN_KILLS", (0.0, 0.0))
    await killing._kill_parts()

    assert {kind_of(name) for name in killed} == {"postgres", "kafka", "an API", "a worker"}
