"""A release that handles another type applies that type's past, whatever stands in its way."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from shared.contracts import CalendarChanged, UnitChanged
from shared.ids import new_id
from shared.messaging.applying import Handling
from shared.messaging.consumer import Brake, BrakeApplied, Consumer
from shared.messaging.dead_letters import replay
from shared.messaging.envelope import Envelope
from tests.shared.messaging.events import NOW, Service, calendar_changed, sequence, unit_changed
from tests.shared.messaging.following import POISON, UNITS, LogFeed, consumer_of, note, seen

pytestmark = pytest.mark.usefixtures("read_model")
BOTH = sorted([UnitChanged.type, CalendarChanged.type])


class CutOff(ConnectionError):
    """As if the process had been killed between two transactions."""


class CutFeed(LogFeed):
    """A feed of pieces of two events that breaks off after some of them."""

    def __init__(self, owner: Service, pieces: int) -> None:
        super().__init__(owner, piece=2)
        self.pieces = pieces

    async def after(self, *, log_id: UUID | None, position: int, hash_: bytes, wait: float = 0) -> list[Envelope]:
        if len(self.asked) == self.pieces:
            raise CutOff
        return await super().after(log_id=log_id, position=position, hash_=hash_, wait=wait)


def newer(goals: Service, reporting: Service, feed: LogFeed | None = None, brake: Brake | None = None) -> Consumer:
    """The consumer of a release that handles units too."""
    return consumer_of(reporting, goals, handlers=[{CalendarChanged: note}, UNITS], feed=feed, brake=brake)


async def known_types(follower: Service) -> Sequence[str]:
    """What the progress row says was applied."""
    found: Sequence[str] = await follower.pool.fetchval("select types from progress")
    return found


async def waiting_versions(follower: Service) -> list[int]:
    """The versions of the events that wait among the dead letters."""
    rows = await follower.pool.fetch("select subject_version from dead_letter where resolved_at is null order by 1")
    return [row["subject_version"] for row in rows]


async def followed_so_far(goals: Service, reporting: Service) -> None:
    """The release before, which knows calendars alone, has applied everything."""
    older = consumer_of(reporting, goals, handlers=[{CalendarChanged: note}])
    while await older.step(LogFeed(goals)):
        pass


async def test_what_cannot_be_applied_of_the_past_is_set_aside_and_the_rest_is_there(
    goals: Service, reporting: Service
) -> None:
    bad, mended, good = new_id(), new_id(), new_id()
    await sequence(goals, unit_changed(bad, name=POISON), calendar_changed(), subject=bad)
    await sequence(goals, unit_changed(mended, name=POISON), unit_changed(mended), subject=mended, first_version=7)
    await sequence(goals, unit_changed(good), subject=good)
    await followed_so_far(goals, reporting)

    await newer(goals, reporting).prepare()

    assert set(await seen(reporting)) == {mended, good}
    assert await waiting_versions(reporting) == [1]  # a later state of the other has come
    assert await known_types(reporting) == BOTH


@pytest.mark.parametrize("pieces", range(1, 5))
async def test_a_replay_that_was_cut_off_begins_again_and_ends_complete(
    goals: Service, reporting: Service, pieces: int
) -> None:
    await sequence(goals, *(unit_changed(name=f"unit {number}") for number in range(8)), calendar_changed())
    await followed_so_far(goals, reporting)

    with pytest.raises(CutOff):
        await newer(goals, reporting, CutFeed(goals, pieces)).prepare()
    half_way, said_half_way = len(await seen(reporting)), await known_types(reporting)
    await newer(goals, reporting).prepare()

    assert (half_way, said_half_way) == (2 * pieces, [CalendarChanged.type])
    assert len(await seen(reporting)) == 8
    assert await known_types(reporting) == BOTH


async def test_too_many_failures_in_the_past_stop_it_until_they_are_mended(goals: Service, reporting: Service) -> None:
    await sequence(goals, *(unit_changed(name=POISON) for _ in range(6)), *(unit_changed() for _ in range(4)))
    await sequence(goals, calendar_changed())
    await followed_so_far(goals, reporting)
    brake = Brake(failures=3, within=10)

    with pytest.raises(BrakeApplied):
        await newer(goals, reporting, brake=brake).prepare()
    set_aside = len(await waiting_versions(reporting))
    mended = consumer_of(reporting, goals, handlers=[{CalendarChanged: note}, {UnitChanged: nothing}], brake=brake)
    await replay(reporting.sessions, reporting.tables, Handling([{UnitChanged: nothing}]), now=NOW)
    await mended.prepare()

    assert set_aside == 3
    assert await waiting_versions(reporting) == []
    assert await known_types(reporting) == BOTH


async def nothing(*_: object) -> None:
    """A handler that is mended."""
