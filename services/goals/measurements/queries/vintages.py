"""Reading measurements: every vintage, or the newest of each period."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, Uuid, any_, bindparam, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from services.goals.calendars.tables import Calendar
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
    """The measurements of the caller's units that begin between two days, and where the next page begins.

    Series by series, period by period: the order of one index, so that a page deep in costs what the first one does.
    """
    of_series = [within(Unit, scope, col(Series.unit_id))]
    if indicator_id is not None:
        of_series.append(col(Series.indicator_id) == indicator_id)
    if unit_id is not None:
        of_series.append(col(Series.unit_id) == unit_id)
    wanted = select(Measurement)
    if query.sort is not None:
        wanted = (
            wanted.join(Series, col(Series.id) == col(Measurement.series_id))
            .join(Indicator, col(Indicator.id) == col(Series.indicator_id))
            .join(Unit, col(Unit.id) == col(Series.unit_id))
            .where(*of_series)
        )
    elif len(of_series) > 1 or not scope.everywhere:
        # As one array, which the index takes: joined, a few series among many would be looked for along all of it.
        series = func.array(select(Series.id).where(*of_series).scalar_subquery())
        wanted = wanted.where(col(Measurement.series_id) == any_(series))
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
        col(Measurement.series_id),
        col(Measurement.frequency),
        col(Measurement.period_start),
        col(Measurement.vintage),
    ]
    measurements, following = await page(session, wanted, query, sortable=sortable, default_sort=order)
    named = await _series_with_names(session, {measurement.series_id for measurement in measurements})
    return [(measurement, *named[measurement.series_id]) for measurement in measurements], following


async def _series_with_names(
    session: AsyncSession, series_ids: Collection[UUID]
) -> dict[UUID, tuple[Series, Indicator, Unit]]:
    query = (
        select(Series, Indicator, Unit)
        .join(Indicator, col(Indicator.id) == col(Series.indicator_id))
        .join(Unit, col(Unit.id) == col(Series.unit_id))
        .where(col(Series.id).in_(series_ids))
    )
    return {series.id: (series, indicator, unit) for series, indicator, unit in (await session.exec(query)).all()}


async def measurement_by_id(
    session: AsyncSession, measurement_id: UUID, scope: UnitScope
) -> tuple[MeasurementRow, Calendar]:
    """One vintage of a series of the caller's units, and the calendar that its period is of."""
    found = (await session.exec(_measurement(scope), params={"wanted": measurement_id})).one_or_none()
    if found is None:
        raise UnknownMeasurement("There is no such measurement among those of your units.")
    *row, calendar = found
    return (*row,), calendar


@lru_cache(maxsize=100)
def _measurement(scope: UnitScope) -> Any:
    """The statement for callers of a scope, made once: making it costs more than sending it."""
    statement: Any = select(Measurement, Series, Indicator, Unit)
    return (
        statement.add_columns(Calendar)
        .join(Series, col(Series.id) == col(Measurement.series_id))
        .join(Indicator, col(Indicator.id) == col(Series.indicator_id))
        .join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))
        .join(Unit, col(Unit.id) == col(Series.unit_id))
        .where(within(Unit, scope, col(Series.unit_id)), col(Measurement.id) == bindparam("wanted"))
    )


def _newer() -> ColumnElement[bool]:
    newer = aliased(Measurement)
    return (
        select(newer.id)
        .where(
            col(newer.series_id) == col(Measurement.series_id),
            col(newer.frequency) == col(Measurement.frequency),
            col(newer.period_start) == col(Measurement.period_start),
            col(newer.vintage) > col(Measurement.vintage),
        )
        # Keeps it a question about each row of the page: as a join, every vintage before the page would be read too.
        .offset(0)
        .exists()
    )


async def newest_vintages(
    session: AsyncSession, periods: Collection[tuple[UUID, date]]
) -> dict[tuple[UUID, date], int]:
    """The number of the newest vintage of each of these series and periods that has one."""
    asked = {"series": [series_id for series_id, _ in periods], "starts": [start for _, start in periods]}
    return {
        (series_id, start): newest for series_id, start, newest in (await session.exec(_NEWEST, params=asked)).all()
    }


def _newest() -> Select[UUID, date, int]:
    arrays: Any = func.unnest(bindparam("series", type_=ARRAY(Uuid)), bindparam("starts", type_=ARRAY(Date)))
    wanted = arrays.table_valued("series_id", "period_start", name="wanted").render_derived()
    return (
        select(col(Measurement.series_id), col(Measurement.period_start), func.max(col(Measurement.vintage)))
        .join(
            wanted,
            (col(Measurement.series_id) == wanted.c.series_id)
            & (col(Measurement.period_start) == wanted.c.period_start),
        )
        .group_by(col(Measurement.series_id), col(Measurement.period_start))
    )


_NEWEST = _newest()
"""Made once, as each write needs it: making a statement costs more than sending it."""


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
