"""A scorecard that was written out is told again only as long as nothing of it has changed."""

from collections.abc import Sequence
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import update

from services.reporting.schema import DeadLetter
from services.reporting.scorecards.api.kept import KeptScorecards
from services.reporting.scorecards.queries.stamps import Stamp
from services.reporting.scorecards.queries.surroundings import KeptSurroundings
from shared.database import transaction
from tests.reporting.scorecards.conftest import client_of, signed_in, teller
from tests.reporting.told import (
    AT,
    assignment,
    evaluation,
    indicator,
    period,
    recorded,
    set_aside,
    small_world,
    survey,
    uid,
    unit,
)

NEWS = {
    "a number is corrected": [evaluation("RF4", period(within="9000"), version=2)],
    "a month is recorded again": [*recorded("RF4", 2), evaluation("RF4", version=2)],
    "an indicator is renamed": [indicator(version=2, name={"en": "Waits"})],
    "the unit is renamed": [unit("RF4", "Royal", parent="london", version=2)],
    "a unit above is renamed": [unit("london", "Greater London", level="region", version=2)],
    "another indicator is assigned": [indicator("beds"), assignment("RF4", "beds")],
    "a survey feeds the indicator": [survey(feeds="ae_4h")],
}


@pytest_asyncio.fixture
async def told(empty: FastAPI) -> FastAPI:
    """A service that has heard of one month of RF4 and of RQM."""
    await teller(empty)(*small_world(), *recorded("RF4", 1), evaluation("RF4"), evaluation("RQM"))
    return empty


async def read(app: FastAPI, unit_code: str = "RF4", headers: dict[str, str] | None = None) -> Any:
    async with client_of(app) as client:
        answer = await client.get(f"/v1/scorecards/{unit_code}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS.keys())
async def test_it_is_never_older_than_what_the_service_knows(told: FastAPI, news: Sequence[Any]) -> None:
    before = await read(told)
    await teller(told)(*news)

    after = await read(told)

    told.state.kept_scorecards, told.state.kept_surroundings = KeptScorecards(), KeptSurroundings()
    assert after != before
    assert after == await read(told)


async def test_an_update_that_is_set_aside_shows_and_so_does_its_end(told: FastAPI) -> None:
    await read(told)
    async with transaction(told.state.sessions) as session:
        session.add(set_aside("ae_4h RF4 result"))
    assert (await read(told))["tiles"][0]["held_back"]

    async with transaction(told.state.sessions) as session:
        await session.exec(update(DeadLetter).values(resolved_at=AT))

    assert not (await read(told))["tiles"][0]["held_back"]


async def test_what_nothing_has_happened_to_is_not_made_again(told: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await read(told)
    await teller(told)(evaluation("RQM", period(within="9000"), version=2))

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr("services.reporting.scorecards.api.cards.scorecard", never)

    assert await read(told) == first
    async with client_of(told) as client:
        assert (await client.get("/v1/scorecards/RQM")).status_code == 500


async def test_what_a_role_sees_is_not_told_to_the_public(told: FastAPI) -> None:
    secret = indicator("sickness", disclosure_class="internal")
    await teller(told)(secret, assignment("RF4", "sickness"), evaluation("RF4", code="sickness"))

    for headers, tiles in [(signed_in("analyst"), 2), (None, 1), (signed_in("analyst", "RQM"), 1)]:
        assert len((await read(told, headers=headers))["tiles"]) == tiles


async def test_what_the_directory_says_is_kept_up_to_so_many_indicators(told: FastAPI) -> None:
    kept = told.state.kept_surroundings = KeptSurroundings(most=3)
    for unit_code in ("RF4", "RQM", "RF4"):
        first = await read(told, unit_code)
        told.state.kept_scorecards = KeptScorecards()

        assert await read(told, unit_code) == first
        assert sum(len(each.concerns) + 1 for each in kept._kept.values()) <= 3


class TestKeptScorecards:
    def test_those_that_were_not_asked_for_longest_make_room(self) -> None:
        kept, stamp = KeptScorecards(most_bytes=25), Stamp(uid("RF4"), uid("edition"), None, None)
        for key in "abc":
            kept.find("a", stamp)
            kept.keep(key, stamp, b"x" * 10)

        assert [kept.find(key, stamp) is not None for key in "abc"] == [True, False, True]

    def test_one_that_is_kept_again_takes_its_place_once(self) -> None:
        kept, stamp = KeptScorecards(most_bytes=25), Stamp(uid("RF4"), uid("edition"), None, None)
        for _ in range(5):
            kept.keep("a", stamp, b"x" * 10)
        kept.keep("b", stamp, b"x" * 10)

        assert kept.find("a", stamp)
        assert kept.find("b", stamp)
