"""What a service says of itself to those who look after it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.schema import EVENT_TABLES
from shared.clock import current_time
from shared.database import transaction
from shared.http.auth import Grant, Identity
from shared.http.sign_in.visitors import Visitor, visitor_of
from shared.http.status import concerns
from shared.messaging.standing import Standings, write_down
from shared.messaging.state import Followed, Log, Part, SetAside, State, state_of
from tests.fixtures.services import AppFor, ClientFor, SignsTokens

SessionFor = Callable[[str], Awaitable[AsyncSession]]
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=1)
GOING = Part("sequencer", "running", NOW, None)


ANCHORS = Part("anchor", "running", NOW, None)


def log(
    *,
    waiting: int = 0,
    oldest: datetime | None = None,
    published: int | None = None,
    anchored: int | None = None,
    anchored_at: datetime | None = None,
) -> Log:
    began = NOW - timedelta(days=9)
    return Log(uuid4(), 7, BEFORE, waiting, oldest, published, anchored, anchored_at, began)


def state(*parts: Part, log: Log, followed: tuple[Followed, ...] = (), set_aside: tuple[SetAside, ...] = ()) -> State:
    return State(log, parts or (GOING,), followed, set_aside)


class TestConcerns:
    def test_there_are_none_while_all_is_well(self) -> None:
        followed = Followed("goals", 9, BEFORE, 9, "running", None)

        assert list(concerns(state(log=log(), followed=(followed,)), now=NOW)) == []

    @pytest.mark.parametrize(
        ("found", "said"),
        [
            (state(Part("sequencer", "not running", BEFORE, None), log=log()), "No worker runs"),
            (
                state(GOING, Part("publisher", "stopped", NOW, "made anew."), log=log(published=7)),
                "publisher has stopped: made anew.",
            ),
            (state(GOING, Part("fold", "failing", NOW, "OSError: x"), log=log()), "fold fails and is started again"),
            (
                state(log=log(waiting=3, oldest=BEFORE)),
                "3 events are waiting for a place in the log, the oldest for 60 s",
            ),
            (
                state(GOING, Part("publisher", "running", NOW, None), log=log(published=5)),
                "up to position 5; it ends at 7",
            ),
            (
                state(GOING, ANCHORS, log=log(anchored=5, anchored_at=NOW - timedelta(days=3))),
                "The log has gone on since 2026-02-27 09:30 UTC without a signed head",
            ),
            (state(GOING, ANCHORS, log=log()), "The log has gone on since 2026-02-21 09:30 UTC without a signed head"),
            (
                state(log=log(), followed=(Followed("goals", 4, BEFORE, 9, "running", None),)),
                "5 events are not applied yet that goals has told",
            ),
            (
                state(log=log(), followed=(Followed("goals", 4, BEFORE, None, "stopped", "Another log."),)),
                "The log of goals is no longer applied: Another log.",
            ),
            (state(log=log(), set_aside=(SetAside("goals", "x", 2, BEFORE),)), "2 events are set aside"),
        ],
    )
    def test_each_is_one_sentence(self, found: State, said: str) -> None:
        (sentence,) = concerns(found, now=NOW)

        assert said in sentence

    def test_what_has_only_just_come_is_none(self) -> None:
        moment = NOW - timedelta(seconds=1)
        followed = Followed("goals", 4, moment, 9, "running", None)

        assert list(concerns(state(log=log(waiting=3, oldest=moment), followed=(followed,)), now=NOW)) == []

    @pytest.mark.parametrize(
        ("anchored", "ago"), [(5, timedelta(days=1)), (7, timedelta(days=30))], ids=["a day ago", "nothing since"]
    )
    def test_a_log_whose_head_was_signed_in_time_is_none(self, anchored: int, ago: timedelta) -> None:
        signed = log(anchored=anchored, anchored_at=NOW - ago)

        assert list(concerns(state(GOING, ANCHORS, log=signed), now=NOW)) == []

    def test_a_log_that_nobody_sends_to_kafka_is_not_behind(self) -> None:
        assert list(concerns(state(log=log(published=5)), now=NOW)) == []


class TestStandings:
    async def test_a_stop_is_told_with_its_reason(self, session_for: SessionFor, now: datetime) -> None:
        session = await session_for("goals")
        standings = Standings()
        standings.take_in("publisher")
        standings.ran_into("publisher", "The topic is empty.", stopped=True, now=now)

        await write_down(session, EVENT_TABLES.standing, standings, now=now)

        assert (await state_of(session, EVENT_TABLES, now=now)).parts == (
            Part("publisher", "stopped", now, "The topic is empty."),
        )

    async def test_a_part_that_goes_on_for_a_minute_is_well_again(self, session_for: SessionFor, now: datetime) -> None:
        session = await session_for("goals")
        standings = Standings()
        standings.take_in("publisher")
        standings.ran_into("publisher", "The topic is empty.", stopped=True, now=now)
        later = now + timedelta(minutes=1)

        await write_down(session, EVENT_TABLES.standing, standings, now=later)

        assert (await state_of(session, EVENT_TABLES, now=later)).parts == (Part("publisher", "running", later, None),)

    async def test_a_worker_that_says_nothing_does_not_run(self, session_for: SessionFor, now: datetime) -> None:
        session = await session_for("goals")
        standings = Standings()
        standings.take_in("sequencer")
        await write_down(session, EVENT_TABLES.standing, standings, now=now)

        (part,) = (await state_of(session, EVENT_TABLES, now=now + timedelta(minutes=1))).parts

        assert part.state == "not running"

    async def test_the_worker_that_stands_by_forgets_no_trouble_of_the_other(
        self, session_for: SessionFor, now: datetime
    ) -> None:
        session = await session_for("goals")
        active, standby = Standings(), Standings()
        active.take_in("publisher")
        standby.take_in("publisher")
        active.ran_into("publisher", "The topic is empty.", stopped=True, now=now)
        await write_down(session, EVENT_TABLES.standing, active, now=now)

        await write_down(session, EVENT_TABLES.standing, standby, now=now + timedelta(seconds=1))

        (part,) = (await state_of(session, EVENT_TABLES, now=now + timedelta(seconds=1))).parts
        assert (part.state, part.reason) == ("stopped", "The topic is empty.")


@pytest.mark.parametrize("service", ["goals", "feedback", "reporting"])
async def test_a_service_says_where_its_log_ends_and_what_waits(
    service: str, app_for: AppFor, client_for: ClientFor, token: SignsTokens
) -> None:
    app = await app_for(service)
    async with client_for(app) as client:
        async with transaction(app.state.sessions) as session:
            await (await session.connection()).execute(
                text(
                    "insert into outbox (event_id, type, subject, subject_version, time, data)"
                    " values (gen_random_uuid(), 'x', gen_random_uuid(), 1, :at, '{}')"
                ),
                {"at": current_time() - timedelta(minutes=1)},
            )
        answer = await client.get("/v1/status", headers={"Authorization": f"Bearer {token('auditor')}"})

    told = answer.json()
    assert (answer.status_code, told["service"]) == (200, service)
    assert (told["log"]["position"], told["log"]["waiting"]) == (0, 1)
    assert "No worker runs: nothing is numbered, sent, applied or computed." in told["attention"]
    assert any(sentence.startswith("1 event is waiting") for sentence in told["attention"])


async def test_it_says_how_far_behind_whoever_follows_is(session_for: SessionFor, now: datetime) -> None:
    session = await session_for("goals")
    session.add(
        EVENT_TABLES.follower(consumer="reporting", principal=uuid4(), log_id=None, position=3, hash=None, asked_at=now)
    )
    await (await session.connection()).execute(text("update log_head set position = 10"))

    (follower,) = (await state_of(session, EVENT_TABLES, now=now)).followers

    assert (follower.follower, follower.position, follower.behind) == ("reporting", 3, 7)


class TestThePage:
    @pytest.mark.parametrize("service", ["goals", "feedback", "reporting"])
    async def test_it_says_the_same_in_words(self, service: str, app_for: AppFor, client_for: ClientFor) -> None:
        app = await app_for(service)
        app.dependency_overrides[visitor_of] = lambda: somebody("auditor")
        async with client_for(app) as client:
            answer = await client.get("/status")

        assert answer.status_code == 200
        assert "No worker runs: nothing is numbered" in answer.text
        assert "What these words mean" in answer.text

    @pytest.mark.parametrize(("parts", "said"), [(["sequencer"], True), (["sequencer", "anchor"], False)])
    async def test_it_says_where_no_signed_heads_are_sent_out(
        self, parts: list[str], said: bool, app_for: AppFor, client_for: ClientFor
    ) -> None:
        app = await app_for("goals")
        app.dependency_overrides[visitor_of] = lambda: somebody("auditor")
        standings = Standings()
        for part in parts:
            standings.take_in(part)
        async with client_for(app) as client:
            async with transaction(app.state.sessions) as session:
                await write_down(session, EVENT_TABLES.standing, standings, now=current_time())
            answer = await client.get("/status")

        assert ("as long as STEWARD_ANCHOR_TO is not set" in answer.text) is said

    @pytest.mark.parametrize(("role", "unit"), [("goal_leader", None), ("auditor", "RF4")])
    async def test_it_is_for_those_who_look_after_the_whole_body(
        self, role: str, unit: str | None, app_for: AppFor, client_for: ClientFor
    ) -> None:
        app = await app_for("reporting")
        app.dependency_overrides[visitor_of] = lambda: somebody(role, unit)
        async with client_for(app) as client:
            answer = await client.get("/status")

        assert answer.status_code == 403


def somebody(role: str, unit: str | None = None) -> Visitor:
    """Somebody who is signed in with a role."""
    return Visitor("/status", identity=Identity(uuid4(), (Grant(role, unit),)))
