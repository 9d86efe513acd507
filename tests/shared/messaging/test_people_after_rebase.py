"""A follower that reads a restored log from its first event lets nobody in whom the whole log keeps out."""

from collections.abc import Awaitable, Callable
from datetime import date
from importlib import import_module
from uuid import UUID

import pytest

from shared.contracts import BodyChanged, PrincipalChanged, RoleAssignmentChanged, UnitChanged
from shared.http.auth import Assigned, Grant, Identity
from shared.messaging.restore import new_log
from tests.shared.messaging.events import NOW, Service, sequence, unit_changed
from tests.shared.messaging.following import POISON, LogFeed, consumer_of, held_position
from tests.shared.messaging.restoring import goes_over

BODY, ROOT, UNIT, OTHER = (UUID(int=number) for number in range(1, 5))
SOMEBODY, FORMER, HOLDER, ROLE, KEPT = (UUID(int=number) for number in range(11, 16))


@pytest.fixture(params=["feedback", "reporting"])
async def follower(service: Callable[[str], Awaitable[Service]], request: pytest.FixtureRequest) -> Service:
    """Each service that lets people in by its copies."""
    return await service(request.param)


def unit(unit_id: UUID, code: str, parent: UUID | None) -> UnitChanged:
    """A unit and what it lies below."""
    return unit_changed(unit_id, code=code).model_copy(update={"parent_id": parent})


def principal(state: str) -> PrincipalChanged:
    """Somebody who is blocked or let in again."""
    return PrincipalChanged.model_validate({"principal_id": SOMEBODY, "principal_kind": "person", "state": state})


def role(role_id: UUID, holder: UUID, *, withdrawn: bool) -> RoleAssignmentChanged:
    """An analyst of one unit."""
    return RoleAssignmentChanged(
        role_assignment_id=role_id,
        principal_id=holder,
        role="analyst",
        unit_id=UNIT,
        valid_from=date(2020, 1, 1),
        valid_to=None,
        withdrawn=withdrawn,
    )


async def told(goals: Service) -> None:
    """A body with units, a role that was withdrawn and one that was not, and somebody blocked for the second time."""
    body = BodyChanged(
        body_id=BODY, slug="body", name={"en": "Body"}, default_language="en", time_zone="UTC", root_unit_id=ROOT
    )
    await sequence(goals, body, subject=BODY)
    await sequence(goals, unit(ROOT, "body", None), subject=ROOT)
    await sequence(goals, unit(UNIT, "parks", ROOT), subject=UNIT)
    await sequence(goals, unit(OTHER, "lakes", UNIT), unit(OTHER, "lakes", ROOT), subject=OTHER)
    await sequence(goals, role(KEPT, HOLDER, withdrawn=False), subject=KEPT)
    await sequence(goals, role(ROLE, FORMER, withdrawn=False), subject=ROLE)
    await sequence(goals, principal("blocked"), principal("active"), principal("blocked"), subject=SOMEBODY)
    await sequence(goals, role(ROLE, FORMER, withdrawn=True), subject=ROLE, first_version=2)


async def known(follower: Service) -> tuple[Assigned, ...]:
    """What the follower knows of the three."""
    queries = import_module(f"services.{follower.tables.schema}.directory.queries")
    return tuple([await queries.known_of(follower.sessions, Identity(each)) for each in (SOMEBODY, FORMER, HOLDER)])


async def lakes_lie_below(follower: Service) -> UUID:
    """The parent that the follower knows of the unit that was moved."""
    schema = {"reporting": "reporting_read"}.get(follower.tables.schema, follower.tables.schema)
    found = await follower.pool.fetchval(f"select parent_id from {schema}.unit where id = $1", OTHER)
    return UUID(str(found))


async def test_at_no_moment_anybody_may_do_more_than_in_the_end(goals: Service, follower: Service) -> None:
    worker = import_module(f"services.{follower.tables.schema}.worker")
    await told(goals)
    consumer = consumer_of(follower, goals, handlers=worker.HANDLERS)
    await consumer.step(LogFeed(goals))
    await new_log(goals.pool, goals.tables, restored_to=None, now=NOW)
    in_the_end = (Assigned(blocked=True), Assigned(), Assigned(grants=(Grant("analyst", "parks"),)))

    await goes_over(follower, goals, handlers=worker.HANDLERS, copies=worker.FOLLOWS["goals"])

    assert await known(follower) == in_the_end
    one_by_one = LogFeed(goals, piece=1)
    while await consumer.step(one_by_one):
        assert await known(follower) == in_the_end, await held_position(follower)
        assert await lakes_lie_below(follower) == ROOT, await held_position(follower)
    assert await held_position(follower) == 12


@pytest.mark.usefixtures("read_model")
async def test_a_state_that_cannot_be_kept_holds_nothing_else_up(goals: Service, reporting: Service) -> None:
    await sequence(goals, unit_changed(UNIT, name="sound"), subject=UNIT)
    await consumer_of(reporting, goals).step(LogFeed(goals))
    await sequence(goals, unit_changed(OTHER, name=POISON), subject=OTHER)
    await new_log(goals.pool, goals.tables, restored_to=None, now=NOW)

    await goes_over(reporting, goals)

    names = await reporting.pool.fetch("select name from reporting_read.seen")
    assert [row["name"] for row in names] == ["sound"]
