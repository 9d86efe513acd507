"""Erasing what events say: only by the operation that tells of it, and everybody who has it learns of it."""

import json
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from shared.contracts import PrincipalChanged
from shared.contracts.logs import GoalsDataErased
from shared.database import SessionFactory, engine_for, sessions_of
from shared.ids import new_id
from shared.messaging.applying import Handling
from shared.messaging.dead_letters import replay
from shared.messaging.erasure import KeepsTheLog, NothingToErase, NotNumberedYet, erase, handlers_of
from shared.messaging.handlers import Received
from shared.messaging.sequencer import sequence_once
from shared.messaging.verify import verify
from tests.shared.messaging.events import NOW, Service, log_of, sequence, tell, unit_changed, whole_log
from tests.shared.messaging.following import (
    JOURNAL,
    POISON,
    UNITS,
    LogFeed,
    applied_positions,
    broken,
    consumer_of,
    envelopes,
    held_position,
    seen,
)


@pytest.fixture
async def administrator(goals: Service) -> AsyncIterator[SessionFactory]:
    """Sessions that may act as the owner of the schema."""
    engine = engine_for(goals.database.admin_url, schema="goals")
    yield sessions_of(engine)
    await engine.dispose()


@pytest.fixture
async def five(goals: Service) -> Service:
    """A log of five units, told by somebody."""
    events = (unit_changed(name=f"unit {number}") for number in range(1, 6))
    await tell(goals.sessions, goals.tables, *events, actor="somebody")
    await sequence_once(goals.pool, schema="goals", now=NOW)
    return goals


async def erased(administrator: SessionFactory, service: Service, *positions: int) -> None:
    """Events erased, and the log told of it."""
    await erase(administrator, service.tables, positions=positions, case="2026-17", now=NOW)
    await sequence_once(service.pool, schema="goals", now=NOW)


async def together(connection: asyncpg.Connection, *statements: str) -> None:
    """Statements in one transaction."""
    async with connection.transaction():
        for statement in statements:
            await connection.execute(statement)


class TestErase:
    async def test_data_and_actor_are_gone_and_the_chain_holds(
        self, five: Service, administrator: SessionFactory
    ) -> None:
        await erased(administrator, five, 2, 4)

        log = await whole_log(five.sessions, five.tables)
        verified = await verify(five.sessions, five.tables)
        assert [event.position for event in log if event.data is None and event.actor is None] == [2, 4]
        assert verified.findings == []
        assert verified.erased == [2, 4]

    async def test_the_log_tells_of_it_without_a_word_of_the_data(
        self, five: Service, administrator: SessionFactory
    ) -> None:
        await erased(administrator, five, 2)

        *_, told = await whole_log(five.sessions, five.tables)
        second = (await whole_log(five.sessions, five.tables))[1]
        assert told.type == GoalsDataErased.type
        assert json.loads(told.data or "") == {
            "case": "2026-17",
            "events": [{"position": 2, "id": str(second.id), "subject": str(second.subject)}],
        }

    async def test_everything_about_a_subject_is_found(self, five: Service, administrator: SessionFactory) -> None:
        subject = new_id()
        await sequence(five, unit_changed(name="first"), unit_changed(name="second"), subject=subject)

        found = await erase(administrator, five.tables, subjects=[subject], case="2026-17", now=NOW)

        assert [each.position for each in found] == [6, 7]

    async def test_what_is_not_there_or_is_gone_already_is_named(
        self, five: Service, administrator: SessionFactory
    ) -> None:
        await erased(administrator, five, 2)

        with pytest.raises(NothingToErase, match="2, 99"):
            await erase(administrator, five.tables, positions=[1, 2, 99], case="2026-17", now=NOW)
        assert (await verify(five.sessions, five.tables)).erased == [2]

    async def test_what_tells_of_an_erasure_stays(self, five: Service, administrator: SessionFactory) -> None:
        await erased(administrator, five, 2)

        with pytest.raises(KeepsTheLog):
            await erase(administrator, five.tables, positions=[6], case="2026-17", now=NOW)

    async def test_who_is_blocked_stays(self, five: Service, administrator: SessionFactory) -> None:
        subject = new_id()
        blocked = PrincipalChanged(principal_id=subject, principal_kind="person", state="blocked")
        await sequence(five, blocked, subject=subject)

        with pytest.raises(KeepsTheLog):
            await erase(administrator, five.tables, subjects=[subject], case="2026-17", now=NOW)

    async def test_what_waits_to_be_numbered_is_not_forgotten(
        self, five: Service, administrator: SessionFactory
    ) -> None:
        subject = new_id()
        await sequence(five, unit_changed(name="first"), subject=subject)
        await tell(five.sessions, five.tables, unit_changed(name="second"), subject=subject, first_version=2)

        with pytest.raises(NotNumberedYet):
            await erase(administrator, five.tables, subjects=[subject], case="2026-17", now=NOW)
        assert (await verify(five.sessions, five.tables)).erased == []


class TestTheLogRefuses:
    """Whatever is tried on the log by the role that owns it, outside of the operation."""

    ERASING = "update event_log set data = null, actor = null, salt = null where position = 2"
    TELLING = """
        insert into outbox (event_id, type, subject, subject_version, time, data) select uuidv7(),
            'steward.goals.data.erased.v1', log_id, 1, now(), json_build_object('case', 'x', 'events',
            json_build_array(json_build_object('position', position, 'id', id, 'subject', subject)))::text
        from event_log where position = 2
    """

    @pytest.mark.parametrize(
        "statements",
        [
            pytest.param([ERASING], id="erased without a word"),
            pytest.param([TELLING, "delete from event_log where position = 2"], id="deleted"),
            pytest.param([TELLING, "update event_log set data = '{}' where position = 2"], id="edited"),
            pytest.param([TELLING, f"{ERASING} or position = 3"], id="more erased than told"),
            pytest.param([TELLING, "update event_log set data = null where position = 2"], id="half erased"),
            pytest.param([TELLING, "truncate event_log"], id="emptied"),
        ],
    )
    async def test_it(self, five: Service, statements: list[str]) -> None:
        owner = await asyncpg.connect(five.database.admin_url, server_settings={"search_path": "goals"})
        await owner.execute("set role goals_owner")

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await together(owner, *statements)
        await owner.close()

    async def test_an_erasure_that_was_told_before(self, five: Service) -> None:
        owner = await asyncpg.connect(five.database.admin_url, server_settings={"search_path": "goals"})
        await owner.execute("set role goals_owner")
        await owner.execute(self.TELLING)

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(self.ERASING)
        await owner.close()

    async def test_the_login_of_api_and_worker_altogether(self, five: Service) -> None:
        login = await asyncpg.connect(five.database.url, server_settings={"search_path": "goals"})

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await together(login, self.TELLING, self.ERASING)
        await login.close()


@pytest.mark.usefixtures("read_model")
class TestFollowers:
    async def test_an_erased_event_is_passed_over_and_the_position_moves(
        self, five: Service, reporting: Service, administrator: SessionFactory
    ) -> None:
        await erased(administrator, five, 2)

        await consumer_of(reporting, five).step(LogFeed(five))

        assert await held_position(reporting) == 6
        assert await applied_positions(reporting) == [1, 3, 4, 5]
        assert await reporting.pool.fetchval("select count(*) from dead_letter") == 0

    async def test_a_follower_that_had_applied_it_is_told(
        self, five: Service, reporting: Service, administrator: SessionFactory
    ) -> None:
        heard: list[int] = []

        async def forget(_: object, events: Sequence[Received[GoalsDataErased]]) -> None:
            heard.extend(each.position for event in events for each in event.data.events)

        consumer = consumer_of(reporting, five, handlers=(UNITS, JOURNAL, {GoalsDataErased: forget}))
        await consumer.step(LogFeed(five))
        await erased(administrator, five, 2)

        await consumer.step(LogFeed(five))

        assert heard == [2]
        assert len(await seen(reporting)) == 5

    async def test_a_dead_letter_among_them_forgets_what_it_said(
        self, goals: Service, reporting: Service, administrator: SessionFactory
    ) -> None:
        await tell(goals.sessions, goals.tables, unit_changed(name=POISON), actor="somebody")
        await sequence_once(goals.pool, schema="goals", now=NOW)
        consumer = consumer_of(reporting, goals, handlers=(UNITS, handlers_of(reporting.tables)))
        await consumer.step(LogFeed(goals))
        await erased(administrator, goals, 1)

        await consumer.step(LogFeed(goals))

        letter = await reporting.pool.fetchrow("select envelope, reason, resolved_at from dead_letter")
        assert letter is not None
        assert POISON not in letter["envelope"] + letter["reason"]
        assert "somebody" not in letter["envelope"]
        assert letter["resolved_at"] is not None

    async def test_replaying_what_was_erased_before_we_heard_of_it_applies_nothing(
        self, five: Service, reporting: Service, administrator: SessionFactory
    ) -> None:
        first, second, *_ = await envelopes(five)
        await consumer_of(reporting, five).apply([first, broken(second)])
        await reporting.pool.execute(
            "update dead_letter set envelope = (envelope::jsonb - 'data' || '{\"erased\": \"true\"}')::text"
        )

        outcome = await replay(reporting.sessions, reporting.tables, Handling([UNITS, JOURNAL]), now=NOW)

        assert [(each.position, each.reason) for each in outcome] == [(2, None)]
        assert await applied_positions(reporting) == [1]


async def test_a_thousand_events_and_more_are_told_of_in_several(goals: Service, administrator: SessionFactory) -> None:
    await log_of(goals, 1500)

    await erased(administrator, goals, *range(1, 1501))

    *_, first, second = await whole_log(goals.sessions, goals.tables)
    verified = await verify(goals.sessions, goals.tables)
    assert [len(json.loads(each.data or "")["events"]) for each in (first, second)] == [1000, 500]
    assert (verified.findings, len(verified.erased)) == ([], 1500)
