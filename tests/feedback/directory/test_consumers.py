"""Copies of what goals says."""

import itertools

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.queries import find_indicators, is_applied, is_within, unit_by_key
from services.feedback.directory.tables import Unit
from shared.errors import NotFound
from shared.http.auth import UnitScope
from tests.feedback.samples import EXPERIENCE, OTHER, REGION, ROOT, TRUST, hear, seed, unit_changed

CHANGES = [unit_changed(TRUST, "RF4", REGION, version=version, name=f"name {version}") for version in (1, 2, 3)]


class TestUnits:
    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    async def test_any_order_with_duplicates_ends_with_the_newest(
        self, feedback_session: AsyncSession, order: tuple[int, ...]
    ) -> None:
        for place in (*order, *order):
            await hear(feedback_session, [CHANGES[place]])

        units = (await feedback_session.exec(select(Unit).execution_options(populate_existing=True))).all()
        assert [(unit.version, unit.name) for unit in units] == [(3, {"en": "name 3"})]

    async def test_a_run_may_hold_one_unit_several_times(self, feedback_session: AsyncSession) -> None:
        await hear(feedback_session, [CHANGES[2], CHANGES[0], CHANGES[1]])

        assert (await feedback_session.exec(select(col(Unit.version)))).all() == [3]


class TestScope:
    async def test_it_holds_a_unit_and_those_below(self, feedback_session: AsyncSession) -> None:
        await seed(feedback_session)
        north = UnitScope(codes=frozenset({"north"}))

        within = [unit for unit in (ROOT, REGION, TRUST, OTHER) if await is_within(feedback_session, unit, north)]

        assert within == [REGION, TRUST]

    async def test_a_foreign_unit_is_not_told_from_none(self, feedback_session: AsyncSession) -> None:
        await seed(feedback_session)
        north = UnitScope(codes=frozenset({"north"}))

        assert (await unit_by_key(feedback_session, "RF4", north)).id == TRUST
        assert (await unit_by_key(feedback_session, str(TRUST), north)).id == TRUST
        for key in ("RJ1", str(OTHER), "none"):
            with pytest.raises(NotFound, match="or not for you"):
                await unit_by_key(feedback_session, key, north)


class TestKnown:
    async def test_an_indicator_is_found_by_id_and_by_code(self, feedback_session: AsyncSession) -> None:
        await seed(feedback_session)

        found = await find_indicators(feedback_session, {"experience", str(EXPERIENCE)})

        assert {key: indicator.id for key, indicator in found.items()} == {
            "experience": EXPERIENCE,
            str(EXPERIENCE): EXPERIENCE,
        }

    async def test_a_write_counts_as_applied_from_its_version_on(self, feedback_session: AsyncSession) -> None:
        await hear(feedback_session, [CHANGES[1]])

        assert [await is_applied(feedback_session, TRUST, version) for version in (1, 2, 3)] == [True, True, False]
        assert not await is_applied(feedback_session, EXPERIENCE, 1)
