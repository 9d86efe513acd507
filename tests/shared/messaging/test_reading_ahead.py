"""Reading a feed ahead: never anything but what follows what is held."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts import UnitChanged
from shared.messaging import reading_ahead as module
from shared.messaging.applying import Handling
from shared.messaging.envelope import Envelope
from shared.messaging.progress import ForeignLog, Held
from shared.messaging.reading_ahead import ReadingAhead, reading_ahead
from tests.reporting.told import unit
from tests.shared.messaging.following import broken, note
from tests.shared.messaging.histories import numbered

BATCH = 3
LOG = numbered([unit("RF4", f"name {version}", version=version) for version in range(1, 11)])


class Feed:
    """A feed of ten events, three at a time, that remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.wrong: Exception | None = None
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def take(self, held: Held | None) -> Sequence[Envelope]:
        """What the consumer asks for under its name."""
        position = held.position if held else 0
        self.asked.append(("held", position))
        return LOG[position : position + BATCH]

    async def after(self, *, position: int, **_: Any) -> Sequence[Envelope]:
        """What is read ahead."""
        self.asked.append(("ahead", position))
        await self.goes_on.wait()
        if self.wrong is not None:
            raise self.wrong
        return LOG[position : position + BATCH]


def held(position: int, hash_: bytes | None = None) -> Held:
    last = LOG[position - 1]
    return Held("reporting", "goals", last.log_id, position, hash_ or last.hash, last.recorded_at, ())


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setattr(module, "MOST_EVENTS", BATCH)
    return Feed()


async def look_into(_: Sequence[Envelope]) -> None:
    """Nothing that these tests ask for."""


def positions(events: Sequence[Envelope]) -> list[int]:
    return [event.position for event in events]


async def test_the_whole_log_is_read_once_and_in_order(feed: Feed) -> None:
    async with reading_ahead(feed, look_into) as source:  # type: ignore[arg-type]  # as far as it is used
        read: list[int] = []
        while events := await source.take(held(read[-1]) if read else None):
            read += positions(events)

    assert read == list(range(1, 11))
    assert [position for kind, position in feed.asked if kind == "held"] == [0, 10]


async def test_what_does_not_follow_what_is_held_is_not_given(feed: Feed) -> None:
    source = ReadingAhead(feed, look_into)  # type: ignore[arg-type]  # as far as it is used
    await source.take(None)

    assert positions(await source.take(held(2))) == [3, 4, 5]
    assert positions(await source.take(held(5, b"another history" * 2))) == [6, 7, 8]
    assert [each for each in feed.asked if each[0] == "held"] == [("held", 0), ("held", 2), ("held", 5)]
    await source.drop()


async def test_what_goes_wrong_ahead_is_left_to_the_ordinary_request(feed: Feed) -> None:
    source = ReadingAhead(feed, look_into)  # type: ignore[arg-type]  # as far as it is used
    feed.wrong = ForeignLog("another log")
    await source.take(None)

    assert positions(await source.take(held(3))) == [4, 5, 6]
    await source.drop()


async def test_nothing_is_left_running_when_the_follower_stops(feed: Feed) -> None:
    feed.goes_on.clear()
    async with reading_ahead(feed, look_into) as source:  # type: ignore[arg-type]  # as far as it is used
        await source.take(None)
        await asyncio.sleep(0)

    assert not [task for task in asyncio.all_tasks() if task.get_name() == "reading ahead"]


async def test_what_is_read_ahead_is_looked_into_before_it_is_asked_for(feed: Feed) -> None:
    looked_into: list[int] = []

    async def look(events: Sequence[Envelope]) -> None:
        looked_into.extend(positions(events))

    async with reading_ahead(feed, look) as source:  # type: ignore[arg-type]  # as far as it is used
        await source.take(None)
        await asyncio.sleep(0.01)

        assert looked_into == [4, 5, 6]


async def test_an_event_that_breaks_its_contract_is_looked_into_without_a_word() -> None:
    handling = Handling([{UnitChanged: note}])
    events = [broken(LOG[0]), LOG[1]]

    await handling.look_into(events)

    assert ["contents" in vars(event) for event in events] == [False, True]
    with pytest.raises(ValidationError):
        _ = events[0].contents
