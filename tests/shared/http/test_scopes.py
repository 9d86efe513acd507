"""The one clause that keeps queries inside a caller's units."""

from uuid import UUID

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.tables import Unit
from shared.http.auth import UnitScope
from shared.http.scopes import within
from tests.feedback.samples import OTHER, REGION, ROOT, TRUST, hear, seed, unit_changed


async def inside(session: AsyncSession, scope: UnitScope | None) -> set[UUID]:
    return set(await session.exec(select(Unit.id).where(within(Unit, scope, col(Unit.id)))))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (UnitScope(everywhere=True), {ROOT, REGION, TRUST, OTHER}),
        (UnitScope(codes=frozenset({"north"})), {REGION, TRUST}),
        (UnitScope(codes=frozenset({"RF4", "RJ1"})), {TRUST, OTHER}),
        (UnitScope(codes=frozenset({"unheard-of"})), set()),
        (UnitScope(), set()),
        (None, set()),
    ],
)
async def test_a_scope_holds_its_units_and_those_below(
    feedback_session: AsyncSession, scope: UnitScope | None, expected: set[UUID]
) -> None:
    await seed(feedback_session)

    assert await inside(feedback_session, scope) == expected


async def test_a_ring_of_units_ends(feedback_session: AsyncSession) -> None:
    await seed(feedback_session)
    await hear(feedback_session, [unit_changed(REGION, "north", TRUST, version=9)])

    assert await inside(feedback_session, UnitScope(codes=frozenset({"north"}))) == {REGION, TRUST}
