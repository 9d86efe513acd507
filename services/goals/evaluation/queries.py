"""Reading what an evaluation depends on, for all units of an indicator at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.tables import Calendar
from services.goals.evaluation.domain.affected import Reach, upwards, with_all_above
from services.goals.evaluation.domain.judging import TargetVersion
from services.goals.evaluation.domain.pooling import Amount, Observation, Rules
from services.goals.evaluation.domain.record import Inputs, Place
from services.goals.evaluation.tables import Result
from services.goals.indicators.domain import Span
from services.goals.indicators.tables import Assignment, Indicator
from services.goals.measurements.domain import NOT_APPLICABLE
from services.goals.measurements.tables import Measurement
from services.goals.organisation.tables import Unit
from services.goals.targets.tables import Series, Target
from shared.periods.calendar import Period

_Some = Collection[UUID] | None
"""Some units; None stands for all."""


@dataclass(frozen=True, slots=True)
class ResultSet:
    """The results of one indicator in one disaggregation, which are evaluated together."""

    indicator_id: UUID
    disaggregation: dict[str, str]

    @property
    def order(self) -> tuple[UUID, list[tuple[str, str]]]:
        """The one order in which result sets are locked."""
        return self.indicator_id, sorted(self.disaggregation.items())


@dataclass(frozen=True, slots=True)
class Outline:
    """Which units have to do with an indicator, before any number is read."""

    parents: Mapping[UUID, UUID | None]
    with_series: frozenset[UUID]
    assigned: frozenset[UUID]
    with_result: frozenset[UUID]
    passing_down: frozenset[UUID]
    recorded: Reach | None
    """Between which periods anybody has something to report. What is not applicable stretches nothing: by saying so,
    a value for a wrong year can be taken back."""


@dataclass(frozen=True, slots=True)
class SeriesRead:
    """A series at the version that was read."""

    id: UUID
    version: int


async def all_result_sets(session: AsyncSession, indicator_id: UUID | None = None) -> list[ResultSet]:
    """Every indicator, or one, in every disaggregation that there are series of; headline always."""
    indicators = select(col(Indicator.id))
    series = select(col(Series.indicator_id), col(Series.disaggregation)).distinct()
    if indicator_id is not None:
        indicators = indicators.where(col(Indicator.id) == indicator_id)
        series = series.where(col(Series.indicator_id) == indicator_id)
    headlines = [ResultSet(one, {}) for one in (await session.exec(indicators)).all()]
    others = [ResultSet(one, key) for one, key in (await session.exec(series)).all() if key]
    return headlines + others


async def outline_of(session: AsyncSession, wanted: ResultSet) -> Outline:
    """The outline of a result set."""
    series = select(col(Series.unit_id)).where(*_of(wanted))
    assigned = select(col(Assignment.unit_id)).where(col(Assignment.indicator_id) == wanted.indicator_id)
    results = select(col(Result.unit_id)).where(
        col(Result.indicator_id) == wanted.indicator_id, col(Result.disaggregation) == wanted.disaggregation
    )
    passing_down = series.where(
        select(Target).where(col(Target.series_id) == col(Series.id), col(Target.applies_below)).exists()
    )
    newest = _newest(wanted, col(Measurement.period_start), col(Measurement.obs_status)).subquery()
    recorded = select(func.min(newest.c.period_start), func.max(newest.c.period_start)).where(
        newest.c.obs_status != NOT_APPLICABLE
    )
    first, last = (await session.exec(recorded)).one()
    return Outline(
        parents=dict((await session.exec(select(col(Unit.id), col(Unit.parent_id)))).all()),
        with_series=frozenset((await session.exec(series)).all()),
        assigned=frozenset((await session.exec(assigned)).all()),
        with_result=frozenset((await session.exec(results)).all()),
        passing_down=frozenset((await session.exec(passing_down)).all()),
        recorded=Reach(first, last) if first is not None else None,
    )


async def series_read(session: AsyncSession, wanted: ResultSet) -> dict[UUID, SeriesRead]:
    """The series of a result set by unit.

    Read before what they stand for: a version must never be newer than the numbers that were read under it, or who
    waits for it would be told too early.
    """
    query = select(col(Series.unit_id), col(Series.id), col(Series.version)).where(*_of(wanted))
    return {unit: SeriesRead(identifier, version) for unit, identifier, version in (await session.exec(query)).all()}


async def inputs_of(
    session: AsyncSession, wanted: ResultSet, reach: Reach | None, *, units: frozenset[UUID] | None = None
) -> Inputs:
    """All that the evaluation of a result set depends on, or of only some units of it: far less, where those are few.

    A number depends on what is reported and expected of its unit and those below, and on the targets of those above.
    """
    indicator, calendar = await _indicator(session, wanted)
    places = await _places(session)
    parents = {unit: place.parent_id for unit, place in places.items()}
    below = None if units is None else [unit for unit in places if not units.isdisjoint(upwards(unit, parents))]
    around = None if below is None else [*below, *with_all_above(units or (), parents)]
    return Inputs(
        calendar=calendar.fiscal(),
        frequency=indicator.frequency,
        rules=Rules(indicator.aggregation_over_time, indicator.aggregation_over_units, indicator.ratio_factor),
        first=reach.first if reach else None,
        last=reach.last if reach else None,
        places=places,
        assigned=await _assigned(session, wanted, below),
        observed=await _observed(session, wanted, below),
        targets=await _targets(session, wanted, around),
    )


async def _indicator(session: AsyncSession, wanted: ResultSet) -> tuple[Indicator, Calendar]:
    query = (
        select(Indicator, Calendar)
        .join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))
        .where(col(Indicator.id) == wanted.indicator_id)
    )
    return (await session.exec(query.execution_options(populate_existing=True))).one()


async def _places(session: AsyncSession) -> dict[UUID, Place]:
    query = select(col(Unit.id), col(Unit.parent_id), col(Unit.valid_from), col(Unit.valid_to))
    return {unit: Place(parent, Span(begin, end)) for unit, parent, begin, end in (await session.exec(query)).all()}


async def _assigned(session: AsyncSession, wanted: ResultSet, units: _Some) -> dict[UUID, list[Span]]:
    query = select(col(Assignment.unit_id), col(Assignment.valid_from), col(Assignment.valid_to)).where(
        col(Assignment.indicator_id) == wanted.indicator_id, _among(Assignment.unit_id, units)
    )
    assigned: dict[UUID, list[Span]] = {}
    for unit, begin, end in (await session.exec(query)).all():
        assigned.setdefault(unit, []).append(Span(begin, end))
    return assigned


async def _observed(session: AsyncSession, wanted: ResultSet, units: _Some) -> dict[UUID, dict[date, Observation]]:
    """What each unit said about each period, in its newest vintage."""
    newest = _newest(
        wanted,
        col(Series.unit_id),
        col(Measurement.period_start),
        col(Measurement.value),
        col(Measurement.numerator),
        col(Measurement.denominator),
        col(Measurement.obs_status),
        col(Measurement.missing_reason),
    ).where(_among(Series.unit_id, units))
    observed: dict[UUID, dict[date, Observation]] = {}
    for unit, start, value, numerator, denominator, status, reason in (await session.exec(newest)).all():
        amount = None if value is None else Amount(value, numerator, denominator)
        observed.setdefault(unit, {})[start] = Observation(amount, status, reason)
    return observed


def _newest(wanted: ResultSet, *columns: Any) -> Any:
    """The newest vintage of each period of each series."""
    period = (col(Measurement.series_id), col(Measurement.frequency), col(Measurement.period_start))
    return (
        select(*columns)
        .join(Series, col(Series.id) == col(Measurement.series_id))
        .where(*_of(wanted))
        .ext(distinct_on(*period))
        .order_by(*period, col(Measurement.vintage).desc())
    )


async def _targets(session: AsyncSession, wanted: ResultSet, units: _Some) -> dict[UUID, list[TargetVersion]]:
    query = (
        select(col(Series.unit_id), Target)
        .join(Series, col(Series.id) == col(Target.series_id))
        .where(*_of(wanted), _among(Series.unit_id, units))
    )
    targets: dict[UUID, list[TargetVersion]] = {}
    for unit, target in (await session.exec(query)).all():
        targets.setdefault(unit, []).append(_version(target))
    return targets


def _version(target: Target) -> TargetVersion:
    baseline_period = None
    if target.baseline_frequency is not None and target.baseline_start is not None:
        baseline_period = Period(target.baseline_start, target.baseline_frequency)
    return TargetVersion(
        version=target.version,
        type=target.type,
        valid=Span(target.valid_from, target.valid_to),
        applies_below=target.applies_below,
        value=target.value,
        low=target.low,
        high=target.high,
        baseline=target.baseline,
        baseline_period=baseline_period,
        milestone=target.milestone,
    )


def _among(unit_id: UUID, units: _Some) -> ColumnElement[bool]:
    return true() if units is None else col(unit_id).in_(units)


def _of(wanted: ResultSet) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Series.indicator_id) == wanted.indicator_id, col(Series.disaggregation) == wanted.disaggregation
