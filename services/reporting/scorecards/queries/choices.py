"""Which indicators and units a reader has chosen, or may choose from."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, union
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.queries import unit_by_key
from services.reporting.directory.tables import Assignment, Body, Indicator, Unit
from services.reporting.facts.tables import Result
from services.reporting.scorecards.domain.answers import UnitRef
from services.reporting.scorecards.errors import IndicatorNotFound
from services.reporting.scorecards.queries.parts import Known, known, known_indicators, unit_ref
from shared.http.auth import UnitScope
from shared.http.scopes import within

MOST_COLUMNS = 4
"""Columns of the dashboard where none are chosen."""


async def visible_indicators(session: AsyncSession, scope: UnitScope | None) -> list[Known]:
    """The indicators that a reader may see of some unit, by code: open ones, and those of units in the scope."""
    statement = known_indicators().where(or_(*_visible(scope))).order_by(col(Indicator.code))
    return [known(*pair) for pair in await session.exec(statement)]


def _visible(scope: UnitScope | None) -> list[ColumnElement[bool]]:
    is_open: ColumnElement[bool] = col(Indicator.disclosure_class) == "open"
    if scope is None:
        return [is_open]
    concerned = union(
        select(Result.indicator_id).where(within(Unit, scope, col(Result.unit_id))),
        select(Assignment.indicator_id).where(within(Unit, scope, col(Assignment.unit_id))),
    ).subquery()
    return [is_open, col(Indicator.id).in_(select(concerned.c.indicator_id))]


async def chosen_indicators(
    session: AsyncSession, visible: Sequence[Known], keys: Sequence[str], level: str
) -> list[Known]:
    """The indicators with these ids or codes, in this order; without any, those with the most results at the level."""
    if keys:
        by_key = {key: each for each in visible for key in (each.ref.code, str(each.ref.id))}
        unknown = [key for key in keys if key not in by_key and key.lower() not in by_key]
        if unknown:
            raise IndicatorNotFound(f"There is no indicator «{unknown[0]}».")
        chosen = [by_key.get(key) or by_key[key.lower()] for key in keys]
        return list({each.ref.id: each for each in chosen}.values())
    statement = (
        select(Result.indicator_id, func.count())
        .join(Unit, col(Unit.id) == col(Result.unit_id))
        .where(Unit.level == level, col(Result.disaggregation) == {})
        .group_by(col(Result.indicator_id))
    )
    counts: dict[UUID, int] = dict((await session.exec(statement)).all())
    open_to_all = [each for each in visible if each.ref.disclosure_class == "open"]
    return sorted(open_to_all or visible, key=lambda each: (-counts.get(each.ref.id, 0), each.ref.code))[:MOST_COLUMNS]


async def unit_above(session: AsyncSession, region: str | None, body: Body) -> Unit | None:
    """The unit that stands above all rows: the region chosen, else the root."""
    if region:
        return await unit_by_key(session, region)
    return await session.get(Unit, body.root_unit_id)


async def regions(session: AsyncSession, level: str, root_id: UUID) -> tuple[UnitRef, ...]:
    """The units directly above those of a level, without the root."""
    parents = select(Unit.parent_id).where(Unit.level == level, col(Unit.parent_id).is_not(None))
    statement = select(Unit).where(col(Unit.id).in_(parents), Unit.id != root_id).order_by(col(Unit.code))
    return tuple(unit_ref(unit) for unit in await session.exec(statement))


async def levels(session: AsyncSession) -> tuple[str, ...]:
    """The levels of the tree that have units."""
    return tuple(await session.exec(select(Unit.level).distinct().order_by(col(Unit.level))))
