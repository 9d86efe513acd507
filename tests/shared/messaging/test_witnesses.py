"""What a chain alone cannot tell: an end that was removed, a history that was written anew. Who held it can."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from shared.database import transaction
from shared.errors import ServiceError
from shared.ids import new_id, random_id
from shared.messaging.anchors import (
    Anchor,
    AnchorSettings,
    NotAnAnchor,
    anchor,
    anchors_in,
    kept_anchors,
    key_in,
    new_key,
    read_anchor,
    signed,
)
from shared.messaging.followers import NAME_IS_FREE_AFTER, Follower, followers_of, note
from shared.messaging.restore import new_log
from shared.messaging.verify import Verified, verify
from shared.messaging.witnesses import Witness, anchored, progress_in
from shared.settings import UnsafeSettings
from tests.shared.messaging.events import NOW, Service, log_of, whole_log
from tests.shared.messaging.following import LogFeed, consumer_of

# The head is made to agree, so that the chain shows nothing.
CUT = [
    "delete from event_log where position > 7",
    "update log_head set (position, hash) = (select position, hash from event_log where position = 7)",
]


async def tamper(service: Service, *statements: str) -> None:
    """Change the log as nobody may, past its triggers."""
    admin = await asyncpg.connect(service.database.admin_url, server_settings={"search_path": "goals"})
    await admin.execute("alter table event_log disable trigger user")
    for statement in statements:
        await admin.execute(statement)
    await admin.close()


async def asks(owner: Service, position: int, *, name: str = "reporting", hash_: bytes | None = None) -> None:
    """A follower asks the feed, holding the event at a position."""
    event = (await whole_log(owner.sessions, owner.tables))[position - 1]
    held = Follower(name, event.log_id, position, hash_ or event.hash, NOW)
    await note(owner.sessions, owner.tables, held, principal=random_id())


def found(verified: Verified) -> list[tuple[int, str]]:
    """Positions and first words of what was found."""
    return [(finding.position, finding.what.split(":")[0]) for finding in verified.findings]


@pytest.fixture
async def ten(goals: Service) -> Service:
    """A log of ten events."""
    await log_of(goals, 10)
    return goals


@pytest.fixture
def anchoring(tmp_path: Path) -> AnchorSettings:
    """A key, and a file to which anchors go."""
    new_key(tmp_path / "key.pem")
    return AnchorSettings(key_file=tmp_path / "key.pem", to=str(tmp_path / "anchors" / "goals.jws"))


async def refused(url: str, text: str) -> None:
    """Nobody may be called here."""
    raise AssertionError(url)


async def anchored_now(service: Service, settings: AnchorSettings, *, days: int = 0) -> int | None:
    """The position that was anchored, if it was time."""
    made = await anchor(
        service.sessions, service.tables, settings, body="test", post=refused, now=NOW + timedelta(days=days)
    )
    return made.position if made else None


def anchors_of(settings: AnchorSettings) -> list[Witness]:
    """The anchors in the file, as witnesses."""
    assert settings.to is not None
    assert settings.key_file is not None
    return anchored(list(anchors_in(Path(settings.to).read_text(), key_in(settings.key_file))), service="goals")


class TestFollowersAsWitnesses:
    async def test_what_they_hold_agrees_with_an_untouched_log(self, ten: Service) -> None:
        await asks(ten, 10)
        await asks(ten, 4, name="archive")

        verified = await verify(ten.sessions, ten.tables)

        assert (verified.findings, verified.witnesses) == ([], 2)

    async def test_an_end_that_was_removed_with_its_head_is_found(self, ten: Service) -> None:
        await asks(ten, 10)

        await tamper(ten, *CUT)

        assert found(await verify(ten.sessions, ten.tables)) == [(8, "removed at the end")]

    async def test_without_a_witness_it_is_not(self, ten: Service) -> None:
        await tamper(ten, *CUT)

        assert (await verify(ten.sessions, ten.tables)).intact

    async def test_an_end_that_was_written_anew_is_found(self, ten: Service) -> None:
        await asks(ten, 10)
        await tamper(ten, *CUT)
        await log_of(ten, 5)

        verified = await verify(ten.sessions, ten.tables)

        assert found(verified) == [(10, "is not the event that follower reporting holds")]

    @pytest.mark.usefixtures("read_model")
    async def test_a_followers_own_progress_row_is_one(self, ten: Service, reporting: Service) -> None:
        await consumer_of(reporting, ten).step(LogFeed(ten))
        async with transaction(reporting.sessions) as session:
            progress = await progress_in(session, reporting.tables.progress, "goals")
        await tamper(ten, *CUT)

        verified = await verify(ten.sessions, ten.tables, witnesses=progress)

        assert found(verified) == [(8, "removed at the end")]

    async def test_another_log_altogether_is_found(self, ten: Service) -> None:
        await note(ten.sessions, ten.tables, Follower("reporting", new_id(), 3, bytes(32), NOW), principal=random_id())

        assert [position for position, _ in found(await verify(ten.sessions, ten.tables))] == [3]

    async def test_a_name_belongs_to_who_used_it_first(self, ten: Service) -> None:
        mine, theirs = random_id(), random_id()
        for position, principal in ((3, mine), (9, theirs), (5, mine)):
            held = Follower("reporting", None, position, bytes(32), NOW)
            await note(ten.sessions, ten.tables, held, principal=principal)

        async with transaction(ten.sessions) as session:
            assert [each.position for each in await followers_of(session, ten.tables)] == [5]

    async def test_a_name_that_nobody_used_for_a_day_is_free(self, ten: Service) -> None:
        for position, when in ((3, NOW), (9, NOW + NAME_IS_FREE_AFTER + timedelta(seconds=1))):
            held = Follower("reporting", None, position, bytes(32), when)
            await note(ten.sessions, ten.tables, held, principal=random_id())

        async with transaction(ten.sessions) as session:
            assert [each.position for each in await followers_of(session, ten.tables)] == [9]


class TestAnchors:
    async def test_an_end_that_was_removed_is_found(self, ten: Service, anchoring: AnchorSettings) -> None:
        assert await anchored_now(ten, anchoring) == 10
        await tamper(ten, *CUT)

        verified = await verify(ten.sessions, ten.tables, witnesses=anchors_of(anchoring))

        assert found(verified) == [(8, "removed at the end")]

    async def test_a_history_written_anew_is_found(self, ten: Service, anchoring: AnchorSettings) -> None:
        await anchored_now(ten, anchoring)
        await tamper(
            ten,
            "delete from event_log",
            "update log_head set position = 0, hash = decode(repeat('00', 32), 'hex')",
        )
        await log_of(ten, 12)

        verified = await verify(ten.sessions, ten.tables, witnesses=anchors_of(anchoring))

        assert [position for position, _ in found(verified)] == [10]

    async def test_one_is_made_a_day_and_none_while_nothing_happens(
        self, ten: Service, anchoring: AnchorSettings
    ) -> None:
        assert await anchored_now(ten, anchoring) == 10
        await log_of(ten, 1)
        assert await anchored_now(ten, anchoring) is None
        assert await anchored_now(ten, anchoring, days=1) == 11
        assert await anchored_now(ten, anchoring, days=2) is None

        assert [each.position for each in anchors_of(anchoring)] == [10, 11]

    async def test_a_web_address_is_sent_the_line_and_what_fails_is_tried_again(
        self, ten: Service, anchoring: AnchorSettings
    ) -> None:
        sent: list[tuple[str, str]] = []
        away = [True]

        async def post(url: str, text: str) -> None:
            if away.pop():
                away.append(False)
                raise ConnectionError
            sent.append((url, text))

        elsewhere = anchoring.model_copy(update={"to": "https://archive.example/anchors"})
        with pytest.raises(ConnectionError):
            await anchor(ten.sessions, ten.tables, elsewhere, body="test", post=post, now=NOW)
        await anchor(ten.sessions, ten.tables, elsewhere, body="test", post=post, now=NOW)

        async with transaction(ten.sessions) as session:
            (line,) = await kept_anchors(session, ten.tables)
        assert sent == [("https://archive.example/anchors", line)]

    def test_a_line_that_was_changed_is_none(self, tmp_path: Path) -> None:
        new_key(tmp_path / "key.pem")
        key = key_in(tmp_path / "key.pem")
        made = Anchor(body="test", service="goals", log=new_id(), position=10, hash="00" * 32, at=NOW)
        header, payload, signature = signed(made, key).split(".")

        assert read_anchor(f"{header}.{payload}.{signature}", key) == made
        with pytest.raises(NotAnAnchor):
            read_anchor(f"{header}.{payload[:-2]}xx.{signature}", key)
        with pytest.raises(NotAnAnchor, match="line 2"):
            list(anchors_in(f"{header}.{payload}.{signature}\nnothing\n", key))

    async def test_the_login_cannot_take_one_back(self, ten: Service, anchoring: AnchorSettings) -> None:
        await anchored_now(ten, anchoring)

        for statement in ("delete from anchor", "update anchor set position = 1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await ten.pool.execute(statement)

    def test_a_key_that_is_not_there_is_asked_for(self, tmp_path: Path) -> None:
        with pytest.raises(UnsafeSettings, match="openssl genpkey"):
            key_in(tmp_path / "none.pem")


class TestAfterARestore:
    async def test_what_the_log_says_it_has_lost_is_no_finding(self, ten: Service, anchoring: AnchorSettings) -> None:
        await asks(ten, 10)
        await anchored_now(ten, anchoring)
        await tamper(ten, *CUT)
        await new_log(ten.pool, ten.tables, restored_to=None, now=NOW)
        await log_of(ten, 5)

        verified = await verify(ten.sessions, ten.tables, witnesses=anchors_of(anchoring))

        assert verified.findings == []
        assert [(each.position, each.restored_to) for each in verified.renewals] == [(8, 7)]

    async def test_what_both_logs_should_have_still_is(self, ten: Service) -> None:
        await asks(ten, 5, hash_=bytes(32))
        await tamper(ten, *CUT)
        await new_log(ten.pool, ten.tables, restored_to=None, now=NOW)

        assert found(await verify(ten.sessions, ten.tables)) == [(5, "is not the event that follower reporting holds")]

    async def test_more_than_there_is_cannot_have_been_restored(self, ten: Service) -> None:
        with pytest.raises(ServiceError, match="ends at position 10, before 11"):
            await new_log(ten.pool, ten.tables, restored_to=11, now=NOW)
