"""Reading series and targets."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from services.goals.indicators.tables import Indicator
from services.goals.organisation.tables import Unit
from services.goals.targets.errors import UnknownTarget
from services.goals.targets.tables import Series, Target
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import within

SeriesPair = tuple[UUID, UUID]
"""Indicator and unit of a headline series."""


async def headline_series(
    session: AsyncSession, pairs: Collection[SeriesPair], *, for_update: bool = False
) -> Sequence[Series]:
    """The headline series there are of these indicators and units; locked in id order, if they are to change."""
    wanted = {"indicators": [indicator for indicator, _ in pairs], "units": [unit for _, unit in pairs]}
    return (await session.exec(_HEADLINE_FOR_UPDATE if for_update else _HEADLINE, params=wanted)).all()


def _headline() -> SelectOfScalar[Series]:
    # One array for each column: a list of a thousand pairs would be planned as a thousand alternatives.
    indicators, units = bindparam("indicators", type_=ARRAY(Uuid)), bindparam("units", type_=ARRAY(Uuid))
    arrays: Any = func.unnest(indicators, units)
    wanted = arrays.table_valued("indicator_id", "unit_id", name="wanted").render_derived()
    return (
        select(Series)
        .join(
            wanted,
            (col(Series.indicator_id) == wanted.c.indicator_id) & (col(Series.unit_id) == wanted.c.unit_id),
        )
        .where(col(Series.disaggregation) == {})
        .order_by(col(Series.id))
        .execution_options(populate_existing=True)
    )


_HEADLINE = _headline()
_HEADLINE_FOR_UPDATE = _HEADLINE.with_for_update(of=Series)
"""Made once, as each write needs them: making a statement costs more than sending it."""


async def newest_target(session: AsyncSession, series_id: UUID) -> Target | None:
    """The newest version of a series' target."""
    query = select(Target).where(col(Target.series_id) == series_id).order_by(col(Target.version).desc()).limit(1)
    return (await session.exec(query)).one_or_none()


async def newest_targets(session: AsyncSession, indicator_id: UUID) -> Sequence[tuple[Target, str]]:
    """The newest version of the target of each of an indicator's series, and the code of its unit."""
    query = (
        select(Target, Unit.code)
        .join(Series, col(Series.id) == col(Target.series_id))
        .join(Unit, col(Unit.id) == col(Series.unit_id))
        .where(col(Series.indicator_id) == indicator_id)
        .ext(distinct_on(col(Target.series_id)))
        .order_by(col(Target.series_id), col(Target.version).desc())
    )
    return (await session.exec(query)).all()


async def ever_applied_below(session: AsyncSession, series_id: UUID) -> bool:
    """Whether any version of a series' target holds, or held, for units below."""
    query = select(Target.id).where(col(Target.series_id) == series_id, col(Target.applies_below)).limit(1)
    return (await session.exec(query)).first() is not None


async def list_targets(
    session: AsyncSession,
    query: PageSettings,
    scope: UnitScope,
    *,
    indicator_id: UUID | None = None,
    unit_id: UUID | None = None,
) -> tuple[Sequence[tuple[Target, Series, Indicator, Unit]], str | None]:
    """Every version of the targets of the caller's units, and where the next page begins."""
    wanted = _targets(scope)
    if indicator_id is not None:
        wanted = wanted.where(col(Series.indicator_id) == indicator_id)
    if unit_id is not None:
        wanted = wanted.where(col(Series.unit_id) == unit_id)
    sortable = {"indicator": col(Indicator.code), "unit": col(Unit.code), "version": col(Target.version)}
    order = [col(Indicator.code), col(Unit.code), col(Series.id), col(Target.version)]
    rows, following = await page(session, wanted, query, sortable=sortable, default_sort=order)
    return [(target, series, indicator, unit) for target, series, indicator, unit in rows], following


async def target_by_id(
    session: AsyncSession, target_id: UUID, scope: UnitScope
) -> tuple[Target, Series, Indicator, Unit]:
    """One version of a target of the caller's units."""
    found = (await session.exec(_targets(scope).where(col(Target.id) == target_id))).one_or_none()
    if found is None:
        raise UnknownTarget("There is no such target among those of your units.")
    return found


def _targets(scope: UnitScope) -> Select[Target, Series, Indicator, Unit]:
    return (
        select(Target, Series, Indicator, Unit)
        .join(Series, col(Series.id) == col(Target.series_id))
        .join(Indicator, col(Indicator.id) == col(Series.indicator_id))
        .join(Unit, col(Unit.id) == col(Series.unit_id))
        .where(within(Unit, scope, col(Series.unit_id)))
    )
