"""Reading measurements: every vintage, or the newest of each period."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, Uuid, func, literal
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from services.goals.indicators.tables import Indicator
from services.goals.measurements.errors import UnknownMeasurement
from services.goals.measurements.tables import Measurement, ScoreIntake
from services.goals.organisation.tables import Unit
from services.goals.targets.tables import Series
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import within

MeasurementRow = tuple[Measurement, Series, Indicator, Unit]


async def list_measurements(
    session: AsyncSession,
    query: PageSettings,
    scope: UnitScope,
    *,
    indicator_id: UUID | None = None,
    unit_id: UUID | None = None,
    period_from: date | None = None,
    period_to: date | None = None,
    newest_only: bool = True,
) -> tuple[Sequence[MeasurementRow], str | None]:
    """The measurements of the caller's units that begin between two days, and where the next page begins."""
    wanted = _measurements(scope)
    if indicator_id is not None:
        wanted = wanted.where(col(Series.indicator_id) == indicator_id)
    if unit_id is not None:
        wanted = wanted.where(col(Series.unit_id) == unit_id)
    if period_from is not None:
        wanted = wanted.where(col(Measurement.period_start) >= period_from)
    if period_to is not None:
        wanted = wanted.where(col(Measurement.period_start) <= period_to)
    if newest_only:
        wanted = wanted.where(~_newer())
    sortable = {
        "indicator": col(Indicator.code),
        "unit": col(Unit.code),
        "period": col(Measurement.period_start),
        "recorded_at": col(Measurement.recorded_at),
    }
    order = [
        col(Indicator.code),
        col(Unit.code),
        col(Series.id),
        col(Measurement.period_start),
        col(Measurement.vintage),
    ]
    rows, following = await page(session, wanted, query, sortable=sortable, default_sort=order)
    return [(measurement, series, indicator, unit) for measurement, series, indicator, unit in rows], following


async def measurement_by_id(session: AsyncSession, measurement_id: UUID, scope: UnitScope) -> MeasurementRow:
    """One vintage of a series of the caller's units."""
    query = _measurements(scope).where(col(Measurement.id) == measurement_id)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise UnknownMeasurement("There is no such measurement among those of your units.")
    return found


def _measurements(scope: UnitScope) -> Select[Measurement, Series, Indicator, Unit]:
    return (
        select(Measurement, Series, Indicator, Unit)
        .join(Series, col(Series.id) == col(Measurement.series_id))
        .join(Indicator, col(Indicator.id) == col(Series.indicator_id))
        .join(Unit, col(Unit.id) == col(Series.unit_id))
        .where(within(Unit, scope, col(Series.unit_id)))
    )


def _newer() -> ColumnElement[bool]:
    newer = aliased(Measurement)
    same_period = (
        col(newer.series_id) == col(Measurement.series_id),
        col(newer.frequency) == col(Measurement.frequency),
        col(newer.period_start) == col(Measurement.period_start),
    )
    return select(newer.id).where(*same_period, col(newer.vintage) > col(Measurement.vintage)).exists()


async def newest_vintages(
    session: AsyncSession, periods: Collection[tuple[UUID, date]]
) -> dict[tuple[UUID, date], int]:
    """The number of the newest vintage of each of these series and periods that has one."""
    arrays: Any = func.unnest(
        literal([series_id for series_id, _ in periods], ARRAY(Uuid)),
        literal([start for _, start in periods], ARRAY(Date)),
    )
    wanted = arrays.table_valued("series_id", "period_start", name="wanted").render_derived()
    query = (
        select(col(Measurement.series_id), col(Measurement.period_start), func.max(col(Measurement.vintage)))
        .join(
            wanted,
            (col(Measurement.series_id) == wanted.c.series_id)
            & (col(Measurement.period_start) == wanted.c.period_start),
        )
        .group_by(col(Measurement.series_id), col(Measurement.period_start))
    )
    return {(series_id, start): newest for series_id, start, newest in (await session.exec(query)).all()}


async def intake_for_update(session: AsyncSession, cell_id: UUID) -> ScoreIntake | None:
    """What has been taken of a cell, locked."""
    query = select(ScoreIntake).where(col(ScoreIntake.cell_id) == cell_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


async def taken_of_all_cells(session: AsyncSession, one: ScoreIntake) -> tuple[Decimal, Decimal, bool]:
    """What was taken of all cells that feed the same indicator, unit and period, and whether each is closed.

    Read with the series locked: whoever takes of another of these cells waits for it too.
    """
    query = select(
        func.sum(col(ScoreIntake.taken_numerator)),
        func.sum(col(ScoreIntake.taken_denominator)),
        func.bool_and(col(ScoreIntake.closed)),
    ).where(
        col(ScoreIntake.indicator_id) == one.indicator_id,
        col(ScoreIntake.unit_id) == one.unit_id,
        col(ScoreIntake.frequency) == one.frequency,
        col(ScoreIntake.period_start) == one.period_start,
        col(ScoreIntake.taken_release) > 0,
    )
    numerator, denominator, closed = (await session.exec(query)).one()
    return numerator or Decimal(), denominator or Decimal(), bool(closed)


async def pending_intakes(session: AsyncSession, *, before: date, limit: int) -> Sequence[ScoreIntake]:
    """Releases that have waited for the end of a day that is over, locked; those that somebody else holds left out."""
    query = (
        select(ScoreIntake)
        .where(col(ScoreIntake.pending_day) < before)
        .order_by(col(ScoreIntake.cell_id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(query.execution_options(populate_existing=True))).all()
