"""Read models are forgotten together with the position up to which they were made."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func
from sqlmodel import col, select

from services.reporting.directory.tables import Principal, RoleAssignment, Unit
from services.reporting.schema import EVENT_TABLES, Progress
from services.reporting.worker import FOLLOWS
from shared.database import sessions_at, transaction
from shared.messaging.chain import GENESIS
from shared.messaging.restore import rebuild
from tests.fixtures.databases import Database
from tests.reporting.told import hear, small_world, uid

BLOCKED = uid("somebody who is blocked")


async def test_a_rebuild_begins_again_at_the_first_event_with_nothing(
    database: Callable[[str], Awaitable[Database]], now: datetime
) -> None:
    made = await database("reporting")
    async with sessions_at(made.url, schema="reporting", application="test") as sessions:
        async with transaction(sessions) as session:
            await hear(session, *small_world())
            session.add(
                Progress(
                    consumer="reporting",
                    log_id=uuid4(),
                    source="goals",
                    position=17,
                    hash=b"1" * 32,
                    recorded_at=now,
                    types=["x"],
                )
            )
            session.add(Principal(id=BLOCKED, kind="person", state="blocked", version=4))
            session.add(
                RoleAssignment(
                    id=uuid4(),
                    principal_id=BLOCKED,
                    role="analyst",
                    unit_id=uuid4(),
                    valid_from=now.date(),
                    valid_to=None,
                    withdrawn=True,
                    version=2,
                )
            )

        forgotten = await rebuild(
            sessions, EVENT_TABLES, consumer="reporting", source="goals", copies=FOLLOWS["goals"], now=now
        )

        async with transaction(sessions) as session:
            assert forgotten > 0
            assert (await session.exec(select(func.count()).select_from(Unit))).one() == 0
            held = (await session.exec(select(Progress).where(col(Progress.source) == "goals"))).one()
            assert (held.position, held.hash, held.types) == (0, GENESIS, ["x"])
            # An older version that comes again must not let in who is blocked, nor give back what was withdrawn.
            principal = (await session.exec(select(Principal))).one()
            role = (await session.exec(select(RoleAssignment))).one()
            assert (principal.state, principal.version, role.withdrawn, role.version) == ("blocked", 4, True, 2)


async def test_what_was_never_followed_needs_no_rebuild(
    database: Callable[[str], Awaitable[Database]], now: datetime
) -> None:
    made = await database("reporting")
    async with sessions_at(made.url, schema="reporting", application="test") as sessions:
        assert (
            await rebuild(
                sessions, EVENT_TABLES, consumer="reporting", source="goals", copies=FOLLOWS["goals"], now=now
            )
            == 0
        )
