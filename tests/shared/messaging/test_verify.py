"""`events verify`: each planted fault is found, at its place."""

import asyncpg
import pytest

from shared.messaging.sequencer import sequence_once
from shared.messaging.verify import MOST_FINDINGS, Verified, verify
from tests.shared.messaging.events import NOW, Service, tell, unit_changed

EDITED_DATA = ["update event_log set data = replace(data, 'unit 4', 'unit X') where position = 5"]
EDITED_ACTOR = ["update event_log set actor = 'somebody else' where position = 5"]
EDITED_TIME = ["""update event_log set "time" = "time" - interval '1 day' where position = 5"""]
EDITED_WITH_DIGEST = [
    """
    update event_log set data = '{}', data_digest = sha256(
        int4send(32) || salt || int4send(2) || convert_to('{}', 'UTF8')
    ) where position = 5
    """
]
EMPTIED = ["update event_log set data = null where position = 5"]
REMOVED = ["delete from event_log where position = 5"]
REMOVED_AND_CLOSED_UP = [
    "delete from event_log where position = 5",
    *(f"update event_log set position = {number} where position = {number + 1}" for number in range(5, 10)),
    "update log_head set position = 9",
]
SWAPPED = [
    "update event_log set position = 100 where position = 5",
    "update event_log set position = 5 where position = 6",
    "update event_log set position = 6 where position = 100",
]
INSERTED = [
    *(f"update event_log set position = {number + 1} where position = {number}" for number in range(10, 4, -1)),
    """
    insert into event_log select 5, log_id, uuidv7(), type, subject, subject_version, "time", recorded_at, data, actor,
        salt, data_digest, actor_digest, causation_id, causation_depth, traceparent, hash_version, previous, hash
    from event_log where position = 4
    """,
    "update log_head set position = 11",
]
APPENDED = [
    """
    insert into event_log select 11, log_id, uuidv7(), type, subject, subject_version, "time", recorded_at, data, actor,
        salt, data_digest, actor_digest, causation_id, causation_depth, traceparent, hash_version, hash, hash
    from event_log where position = 10
    """
]
REMOVED_AT_THE_END = ["delete from event_log where position > 8"]


@pytest.fixture
async def ten(goals: Service) -> Service:
    """A log of ten events."""
    events = (unit_changed(name=f"unit {number}") for number in range(10))
    await tell(goals.sessions, goals.tables, *events, actor="somebody")
    await sequence_once(goals.pool, schema="goals", now=NOW)
    return goals


async def tamper(service: Service, *statements: str) -> Verified:
    """Change the log as nobody may, past its trigger, and check it."""
    admin = await asyncpg.connect(service.database.admin_url, server_settings={"search_path": "goals"})
    await admin.execute("alter table event_log disable trigger user")
    for statement in statements:
        assert not (await admin.execute(statement)).endswith(" 0")
    await admin.close()
    return await verify(service.sessions, service.tables)


class TestVerify:
    async def test_an_untouched_log_is_intact(self, ten: Service) -> None:
        verified = await verify(ten.sessions, ten.tables)

        assert verified.intact
        assert (verified.events, verified.erased, verified.head.position) == (10, [], 10)

    async def test_an_empty_log_is_intact(self, goals: Service) -> None:
        assert (await verify(goals.sessions, goals.tables)).intact

    @pytest.mark.parametrize(
        ("fault", "position", "said"),
        [
            pytest.param(EDITED_DATA, 5, "edited: its data", id="edited data"),
            pytest.param(EDITED_ACTOR, 5, "edited: its actor", id="edited actor"),
            pytest.param(EDITED_TIME, 5, "edited: its fields", id="edited time"),
            pytest.param(EDITED_WITH_DIGEST, 5, "edited: its fields", id="edited with its digest"),
            pytest.param(EMPTIED, 5, "edited: its data", id="emptied"),
            pytest.param(REMOVED, 5, "removed", id="removed"),
            pytest.param(REMOVED_AND_CLOSED_UP, 5, "does not continue", id="removed and closed up"),
            pytest.param(SWAPPED, 5, "does not continue", id="swapped"),
            pytest.param(INSERTED, 5, "does not continue", id="inserted"),
            pytest.param(APPENDED, 11, "inserted", id="appended"),
            pytest.param(REMOVED_AT_THE_END, 9, "removed", id="removed at the end"),
        ],
    )
    async def test_a_planted_fault_is_found_at_its_place(
        self, ten: Service, fault: list[str], position: int, said: str
    ) -> None:
        verified = await tamper(ten, *fault)

        at_its_place = [finding.what for finding in verified.findings if finding.position == position]
        assert verified.findings[0].position == position
        assert any(what.startswith(said) for what in at_its_place)

    async def test_one_edited_event_is_one_finding(self, ten: Service) -> None:
        verified = await tamper(ten, *EDITED_DATA)

        assert len(verified.findings) == 1

    async def test_an_event_emptied_without_a_word_is_found(self, ten: Service) -> None:
        verified = await tamper(ten, "update event_log set data = null, actor = null, salt = null where position = 5")

        assert [finding.position for finding in verified.findings] == [5]
        assert verified.findings[0].what.startswith("emptied")
        assert verified.erased == []

    async def test_a_whole_other_history_is_told_in_a_hundred_findings(self, goals: Service) -> None:
        await tell(goals.sessions, goals.tables, *(unit_changed() for _ in range(300)))
        await sequence_once(goals.pool, schema="goals", now=NOW)

        verified = await tamper(goals, "update event_log set log_id = uuidv7()")

        assert len(verified.findings) == MOST_FINDINGS
