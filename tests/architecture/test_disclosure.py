"""What is not open stays hidden from the public and from roles elsewhere, at every public door of reporting."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import pytest
import pytest_asyncio
from fastapi import APIRouter

from services.reporting.scorecards.queries.cards import scorecard
from shared.contracts.goals.indicators import DisclosureClass
from shared.database import transaction
from shared.http.auth import UnitScope
from shared.http.sessions import Reading
from shared.ids import Key
from tests.architecture.access.public import EVERY_SERVICE, PUBLIC
from tests.architecture.access.walking import Service
from tests.fixtures.databases import Templates
from tests.fixtures.services import ClientFor, SignsTokens, service_on
from tests.reporting.told import evaluation, hear, indicator, period, small_world, uid, unit

HIDDEN_CLASSES = [each for each in get_args(DisclosureClass) if each != "open"]
VALUE = "42.42"
INSIDE = [("analyst", None), ("analyst", "england"), ("auditor", "london"), ("data_provider", "RF4")]
OUTSIDE = [(None, None), ("follower", None), ("analyst", "north"), ("goal_leader", "RQM")]
Reader = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Door:
    """An address at which an indicator of RF4 could show."""

    route: str
    address: str
    named: bool = False
    """Whether it names the indicator: then the answer is 404 to those who may not see it."""
    opens: bool = True
    """Whether those who may see it do so here; pages take no tokens, and the dashboard prefers what is open."""


DOORS = [
    Door("GET /v1/scorecards/{unit}", "/v1/scorecards/RF4"),
    Door("GET /v1/scorecards/{unit}", "/v1/scorecards/{unit_id}?period=2019-03"),
    Door("GET /v1/scorecards", "/v1/scorecards?indicator={code}", named=True),
    Door("GET /v1/scorecards", "/v1/scorecards?indicator={id}&region=london&sort=-value", named=True),
    Door("GET /v1/scorecards", "/v1/scorecards?indicator=ae_4h&indicator={code}&q=rf4", named=True),
    Door("GET /v1/scorecards", "/v1/scorecards?limit=200", opens=False),
    Door("GET /v1/results.csv", "/v1/results.csv"),
    Door("GET /v1/results.csv", "/v1/results.csv?unit=RF4"),
    Door("GET /v1/results.csv", "/v1/results.csv?region=london&period=2019-03&status=not_met"),
    Door("GET /v1/results.csv", "/v1/results.csv?indicator={code}", named=True),
    Door("GET /v1/results.csv", "/v1/results.csv?indicator={id}&unit=RF4", named=True),
    Door("GET /scorecards", "/scorecards", opens=False),
    Door("GET /scorecards", "/scorecards?indicator={code}", named=True, opens=False),
    Door("GET /scorecards", "/scorecards?indicator=ae_4h&indicator={id}", named=True, opens=False),
    Door("GET /scorecards/{unit}", "/scorecards/RF4", opens=False),
    Door("GET /scorecards/{unit}", "/scorecards/{unit_id}?period=record", opens=False),
    Door("GET /scorecards/{unit}/changes", "/scorecards/RF4/changes", opens=False),
]


@pytest_asyncio.fixture(scope="module")
async def reporting(
    templates: Templates, client_for: ClientFor, token: SignsTokens, issuer_directory: Path
) -> AsyncIterator[Service]:
    """RF4 in London has one indicator of each class; `shared` is internal, and reported in the north as well."""
    database = await templates.clone("reporting")
    app = service_on(database, issuer_directory, body="england")
    app.include_router(leaky)
    async with transaction(app.state.sessions) as session:
        await hear(session, *small_world(), unit("RX1", parent="north"), evaluation("RF4"))
        for each in HIDDEN_CLASSES:
            shown = {"name": {"en": f"Name of {each}"}, "disclosure_class": each}
            await hear(session, indicator(f"only-{each}", **shown))
            await hear(session, evaluation("RF4", period(within="4242"), code=f"only-{each}"))
        await hear(session, indicator("shared", name={"en": "Name of shared"}, disclosure_class="internal"))
        for code, within in (("RF4", "4242"), ("RQM", "3333"), ("RX1", "1111"), ("england", "4242")):
            await hear(session, evaluation(code, period(within=within), code="shared"))
    async with client_for(app) as client:
        yield Service(app, client, token)
    await templates.drop(database.name)


async def faults_at(service: Service, doors: Sequence[Door], reader: Reader, *, inside: bool) -> list[str]:
    """The doors at which a reader sees what is hidden, or does not see what is its own."""
    role, scope = reader
    token = service.sign(role, scope) if role else None
    faults = []
    for door in doors:
        for secrets in [[each] for each in HIDDEN_CLASSES] if door.named else [HIDDEN_CLASSES]:
            names = {"code": f"only-{secrets[0]}", "id": uid(f"only-{secrets[0]}"), "unit_id": uid("RF4")}
            answer = await service.call("GET", door.address.format(**names), token)
            shown = {each for each in (VALUE, *(f"Name of {secret}" for secret in secrets)) if each in answer.text}
            expected = (200, len(secrets) + 1) if inside else (404 if door.named else 200, 0)
            if (answer.status_code, len(shown)) != expected:
                faults.append(f"{door.address}: {answer.status_code}, {', '.join(sorted(shown)) or 'hidden'}")
    return faults


def test_every_public_route_is_tried() -> None:
    assert {door.route for door in DOORS} == PUBLIC["reporting"] - EVERY_SERVICE


@pytest.mark.parametrize("reader", OUTSIDE, ids=str)
async def test_what_is_not_open_is_hidden_from_those_outside(reader: Reader, reporting: Service) -> None:
    assert await faults_at(reporting, DOORS, reader, inside=False) == []


@pytest.mark.parametrize("reader", INSIDE, ids=str)
async def test_those_inside_see_it(reader: Reader, reporting: Service) -> None:
    doors = [door for door in DOORS if door.opens]

    assert await faults_at(reporting, doors, reader, inside=True) == []


async def test_pages_take_no_tokens_and_show_it_to_nobody(reporting: Service) -> None:
    doors = [door for door in DOORS if not door.opens]

    assert await faults_at(reporting, doors, ("analyst", None), inside=False) == []


async def test_it_goes_with_the_unit_at_once(reporting: Service) -> None:
    async def move(region: str, version: int) -> None:
        async with transaction(reporting.app.state.sessions) as session:
            await hear(session, unit("RF4", parent=region, version=version))

    doors = [door for door in DOORS if door.opens and "region=london" not in door.address]
    await move("north", 2)
    left = await faults_at(reporting, doors, ("analyst", "london"), inside=False)
    come = await faults_at(reporting, doors, ("analyst", "north"), inside=True)
    await move("london", 3)

    assert (left, come) == ([], [])


class TestAnIndicatorThatTwoRegionsReport:
    ADDRESS = "/v1/scorecards?indicator=shared&sort=-value"

    async def test_each_compares_its_own_units(self, reporting: Service) -> None:
        async def units(scope: str) -> list[str]:
            answer = await reporting.call("GET", self.ADDRESS, reporting.sign("analyst", scope))
            assert answer.json()["above"] is None
            assert sum(answer.json()["counts"].values()) == len(answer.json()["items"])
            return sorted(row["unit"]["code"] for row in answer.json()["items"])

        assert (await units("london"), await units("north")) == (["RF4", "RQM"], ["RX1"])

    async def test_each_downloads_its_own_units(self, reporting: Service) -> None:
        async def rows(scope: str | None) -> int:
            answer = await reporting.call("GET", "/v1/results.csv?indicator=shared", reporting.sign("analyst", scope))
            return len(answer.text.splitlines()) - 1

        assert (await rows("london"), await rows("north"), await rows(None)) == (2, 1, 4)

    @pytest.mark.parametrize("reader", [(None, None), ("follower", None)], ids=str)
    async def test_a_cursor_lets_nobody_in(self, reader: Reader, reporting: Service) -> None:
        role, scope = reader

        answer = await reporting.call("GET", await self._second(reporting), role and reporting.sign(role, scope))

        assert answer.status_code == 404

    @pytest.mark.parametrize(("scope", "seen"), [("london", ["RQM"]), ("north", ["RX1"])])
    async def test_a_cursor_shows_each_its_own(self, scope: str, seen: list[str], reporting: Service) -> None:
        answer = await reporting.call("GET", await self._second(reporting), reporting.sign("analyst", scope))

        assert [row["unit"]["code"] for row in answer.json()["items"]] == seen
        assert VALUE not in answer.text

    async def _second(self, reporting: Service) -> str:
        """The address of London's second page."""
        first = await reporting.call("GET", f"{self.ADDRESS}&limit=1", reporting.sign("analyst", "london"))
        assert [row["unit"]["code"] for row in first.json()["items"]] == ["RF4"]
        return f"{self.ADDRESS}&limit=1&cursor={quote(first.json()['next'])}"


leaky = APIRouter()


@leaky.get("/v1/leaky/{unit}")
async def forgets_the_scope(unit: Key, session: Reading) -> list[str]:
    card = await scorecard(session, unit, scope=UnitScope(everywhere=True))
    return [tile.indicator.name["en"] for tile in card.tiles]


async def test_a_door_that_forgets_the_scope_is_found(reporting: Service) -> None:
    doors = [*DOORS, Door("GET /v1/leaky/{unit}", "/v1/leaky/RF4")]

    faults = await faults_at(reporting, doors, (None, None), inside=False)

    assert faults == ["/v1/leaky/RF4: 200, Name of confidential, Name of internal"]
