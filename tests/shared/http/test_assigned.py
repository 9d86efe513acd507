"""What the services that follow goals enforce from their own copies of principals and roles, and for how long."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.contracts import PrincipalChanged, RoleAssignmentChanged
from shared.database import SessionFactory, engine_for, sessions_of, transaction
from shared.http.assigned import KnownCallers, nothing_assigned
from shared.http.auth import Assigned, Grant, Identity
from shared.messaging.handlers import Received
from tests.fixtures.databases import Database
from tests.reporting.told import body, told, uid, unit

ADA = Identity(uid("ada"))


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy that a service keeps."""

    service: str
    sessions: SessionFactory

    async def hear(self, *events: Received[Any]) -> None:
        """Apply events one by one."""
        handlers = import_module(f"services.{self.service}.directory.consumers").HANDLERS
        async with transaction(self.sessions) as session:
            for event in events:
                await handlers[type(event.data)](session, [event])

    async def of(self, identity: Identity) -> Assigned:
        """What the service knows of a caller."""
        assigned: Assigned = await import_module(f"services.{self.service}.directory.queries").known_of(
            self.sessions, identity
        )
        return assigned


@pytest_asyncio.fixture(params=["feedback", "reporting"])
async def copy(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> AsyncIterator[Copy]:
    """A service that knows a body with two units below its root."""
    engine = engine_for((await database(request.param)).url, schema=request.param)
    copy = Copy(request.param, sessions_of(engine))
    await copy.hear(body(), unit("england", parent=None), unit("north"), unit("RF4", parent="north"))
    yield copy
    await engine.dispose()


def principal(state: Any, version: int) -> Received[Any]:
    return told(PrincipalChanged(principal_id=uid("ada"), principal_kind="person", state=state), uid("ada"), version)


def role(where: str = "north", *, version: int = 1, **changes: Any) -> Received[Any]:
    said: dict[str, Any] = {
        "role_assignment_id": uid(f"role in {where}"),
        "principal_id": uid("ada"),
        "role": "analyst",
        "unit_id": uid(where),
        "valid_from": date(2019, 4, 1),
        "valid_to": None,
        "withdrawn": False,
    }
    event = RoleAssignmentChanged(**{**said, **changes})
    return told(event, event.role_assignment_id, version)


class TestCopies:
    async def test_nothing_is_known_of_whoever_goals_has_not_told_of(self, copy: Copy) -> None:
        assert await copy.of(ADA) == Assigned()

    async def test_a_role_is_for_its_unit_and_the_roots_for_everything(self, copy: Copy) -> None:
        await copy.hear(role("north"), role("england", role="auditor"))

        assert await copy.of(ADA) == Assigned(grants=(Grant("analyst", "north"), Grant("auditor", None)))
        assert await copy.of(Identity(uid("somebody else"))) == Assigned()

    async def test_any_order_with_duplicates_ends_with_the_newest(self, copy: Copy) -> None:
        events = [principal("blocked", 2), principal("active", 3), principal("blocked", 4)]
        for order in permutations(events):
            await copy.hear(*order, *order)

            assert await copy.of(ADA) == Assigned(blocked=True)

    async def test_unblocked_it_has_its_roles_again(self, copy: Copy) -> None:
        await copy.hear(role(), principal("blocked", 2), principal("active", 3))

        assert await copy.of(ADA) == Assigned(grants=(Grant("analyst", "north"),))

    async def test_what_is_withdrawn_over_or_to_come_gives_nothing(self, copy: Copy) -> None:
        await copy.hear(
            role("RF4"),
            role("RF4", version=2, withdrawn=True),
            role("north", valid_to=date(2020, 1, 1)),
            role("england", valid_from=date(2999, 1, 1)),
        )

        assert await copy.of(ADA) == Assigned()

    async def test_a_role_for_a_unit_still_on_its_way_gives_nothing_until_it_is_here(self, copy: Copy) -> None:
        await copy.hear(role("RJ1"))
        before = await copy.of(ADA)
        await copy.hear(unit("RJ1"))

        assert (before, (await copy.of(ADA)).grants) == (Assigned(), (Grant("analyst", "RJ1"),))

    async def test_the_day_is_the_bodys(self, copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
        await copy.hear(role(valid_from=date(2026, 6, 11), valid_to=date(2026, 6, 11)))

        async def holds(day: int, hour: int, minute: int) -> bool:
            now = datetime(2026, 6, day, hour, minute, tzinfo=UTC)
            monkeypatch.setattr(f"services.{copy.service}.directory.queries.current_time", lambda: now)
            return (await copy.of(ADA)).grants != ()

        # London is an hour ahead in June.
        held = [await holds(10, 22, 59), await holds(10, 23, 0), await holds(11, 22, 59), await holds(11, 23, 0)]
        assert held == [False, True, True, False]


class TestMemory:
    async def test_an_answer_is_good_for_some_seconds_and_then_asked_for_again(
        self, copy: Copy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[UUID] = []
        clock = [100.0]
        monkeypatch.setattr("shared.http.assigned.time.monotonic", lambda: clock[0])

        async def assigning(_: SessionFactory, identity: Identity) -> Assigned:
            asked.append(identity.reference)
            return Assigned()

        known = KnownCallers(copy.sessions, assigning, fresh=5)
        for moment in (100.0, 104.9, 105.1):
            clock[0] = moment
            await known.of(ADA)

        assert len(asked) == 2

    async def test_it_remembers_no_more_than_it_may(self, copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shared.http.assigned._MOST", 3)
        known = KnownCallers(copy.sessions, nothing_assigned)

        for number in range(10):
            await known.of(Identity(UUID(int=number)))

        assert len(known._known) == 3
