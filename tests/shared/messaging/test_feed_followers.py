"""The feed and who follows it: what each holds is remembered, also where the log has something else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from services.goals.schema import EVENT_TABLES
from shared.database import engine_for, sessions_of, transaction
from shared.ids import new_id
from shared.messaging import followers
from shared.messaging.erasure import erase
from shared.messaging.feed import FeedSource
from shared.messaging.followers import Follower, followers_of
from shared.messaging.progress import ForeignLog, Held
from tests.fixtures.services import ClientFor, SignsTokens, service_on
from tests.shared.messaging.events import NOW, Service, log_of


@pytest.fixture
async def app(goals: Service, issuer_directory: Path) -> FastAPI:
    """The goals service with three events."""
    await log_of(goals, 3)
    return service_on(goals.database, issuer_directory)


@pytest.fixture
async def source(app: FastAPI, client_for: ClientFor, token: SignsTokens) -> AsyncIterator[FeedSource]:
    """The feed as reporting follows it."""
    async with client_for(app) as client:
        client.headers["Authorization"] = f"Bearer {token('follower')}"
        yield FeedSource(client, "http://steward.test", service="goals", follower="reporting")


async def held_at(source: FeedSource, position: int) -> Held:
    """What a follower holds that has applied the log up to a position."""
    event = (await source.take(None))[position - 1]
    return Held("reporting", "goals", event.log_id, position, event.hash, NOW, ())


async def remembered(app: FastAPI) -> list[Follower]:
    """The followers of the log."""
    async with transaction(app.state.sessions) as session:
        return await followers_of(session, EVENT_TABLES)


async def test_a_follower_is_remembered_with_what_it_holds(app: FastAPI, source: FeedSource) -> None:
    held = await held_at(source, 2)

    await source.confirm(held)

    (follower,) = await remembered(app)
    assert (follower.consumer, follower.log_id, follower.position, follower.hash) == (
        "reporting",
        held.log_id,
        2,
        held.hash,
    )


async def test_it_is_written_down_once_a_second_at_most(
    app: FastAPI, source: FeedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    await source.confirm(await held_at(source, 1))
    await source.confirm(await held_at(source, 2))
    assert [each.position for each in await remembered(app)] == [1]

    monkeypatch.setattr(followers, "AT_MOST_EVERY", 0)
    await source.confirm(await held_at(source, 3))
    assert [each.position for each in await remembered(app)] == [3]


async def test_who_holds_what_this_log_has_not_is_refused_and_remembered_as_evidence(
    app: FastAPI, source: FeedSource
) -> None:
    held = await held_at(source, 3)
    ahead = Held("reporting", "goals", held.log_id, 9, bytes(32), NOW, ())

    with pytest.raises(ForeignLog, match="The log ends at position 3, before 9"):
        await source.confirm(ahead)

    assert [each.position for each in await remembered(app)] == [9]


async def test_another_log_is_refused_with_what_to_do(source: FeedSource) -> None:
    held = await held_at(source, 3)
    elsewhere = Held("reporting", "goals", new_id(), 3, held.hash, NOW, ())

    with pytest.raises(ForeignLog, match="steward events new-log --service goals"):
        await source.confirm(elsewhere)


async def test_an_erased_event_is_served_without_data_and_says_so(goals: Service, source: FeedSource) -> None:
    engine = engine_for(goals.database.admin_url, schema="goals")
    await erase(sessions_of(engine), goals.tables, positions=[2], case="2026-17", now=NOW)
    await engine.dispose()

    first, second, third = await source.take(None)

    assert [event.erased for event in (first, second, third)] == [False, True, False]
    assert second.data is None
    assert third.previous == second.hash
