"""Reading what an evaluation depends on, for all units of an indicator at once.

Somebody waits for each evaluation, so the statements are made once: making one costs more than sending it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, bindparam, func
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
    def key(self) -> dict[str, Any]:
        """The parameters of the statements that are about it."""
        return {"indicator_id": self.indicator_id, "disaggregation": self.disaggregation}

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
    indicator = {"indicator_id": wanted.indicator_id}
    first, last = (await session.exec(_RECORDED, params=wanted.key)).one()
    return Outline(
        parents=dict((await session.exec(_PARENTS)).all()),
        with_series=frozenset((await session.exec(_WITH_SERIES, params=wanted.key)).all()),
        assigned=frozenset((await session.exec(_ASSIGNED_AT_ALL, params=indicator)).all()),
        with_result=frozenset((await session.exec(_WITH_RESULT, params=wanted.key)).all()),
        passing_down=frozenset((await session.exec(_PASSING_DOWN, params=wanted.key)).all()),
        recorded=Reach(first, last) if first is not None else None,
    )


async def series_read(session: AsyncSession, wanted: ResultSet) -> dict[UUID, SeriesRead]:
    """The series of a result set by unit.

    Read before what they stand for: a version must never be newer than the numbers that were read under it, or who
    waits for it would be told too early.
    """
    rows = (await session.exec(_SERIES, params=wanted.key)).all()
    return {unit: SeriesRead(identifier, version) for unit, identifier, version in rows}


async def inputs_of(
    session: AsyncSession, wanted: ResultSet, reach: Reach | None, *, units: frozenset[UUID] | None = None
) -> Inputs:
    """All that the evaluation of a result set depends on, or of only some units of it: far less, where those are few.

    A number depends on what is reported and expected of its unit and those below, and on the targets of those above.
    """
    indicator, calendar = (await session.exec(_INDICATOR, params={"indicator_id": wanted.indicator_id})).one()
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


async def _places(session: AsyncSession) -> dict[UUID, Place]:
    rows = (await session.exec(_PLACES)).all()
    return {unit: Place(parent, Span(begin, end)) for unit, parent, begin, end in rows}


async def _assigned(session: AsyncSession, wanted: ResultSet, units: _Some) -> dict[UUID, list[Span]]:
    assigned: dict[UUID, list[Span]] = {}
    parameters = {"indicator_id": wanted.indicator_id} | _some(units)
    for unit, begin, end in (await session.exec(_ASSIGNED[units is None], params=parameters)).all():
        assigned.setdefault(unit, []).append(Span(begin, end))
    return assigned


async def _observed(session: AsyncSession, wanted: ResultSet, units: _Some) -> dict[UUID, dict[date, Observation]]:
    """What each unit said about each period, in its newest vintage."""
    observed: dict[UUID, dict[date, Observation]] = {}
    rows = (await session.exec(_OBSERVED[units is None], params=wanted.key | _some(units))).all()
    for unit, start, value, numerator, denominator, status, reason in rows:
        amount = None if value is None else Amount(value, numerator, denominator)
        observed.setdefault(unit, {})[start] = Observation(amount, status, reason)
    return observed


async def _targets(session: AsyncSession, wanted: ResultSet, units: _Some) -> dict[UUID, list[TargetVersion]]:
    targets: dict[UUID, list[TargetVersion]] = {}
    for unit, target in (await session.exec(_TARGETS[units is None], params=wanted.key | _some(units))).all():
        targets.setdefault(unit, []).append(_version(target))
    return targets


def _some(units: _Some) -> dict[str, Any]:
    return {} if units is None else {"units": list(units)}


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


def _newest(*columns: Any) -> Any:
    """The newest vintage of each period of each series."""
    period = (col(Measurement.series_id), col(Measurement.frequency), col(Measurement.period_start))
    return (
        select(*columns)
        .join(Series, col(Series.id) == col(Measurement.series_id))
        .where(*of_set(Series))
        .ext(distinct_on(*period))
        .order_by(*period, col(Measurement.vintage).desc())
    )


def _recorded() -> Any:
    newest = _newest(col(Measurement.period_start), col(Measurement.obs_status)).subquery()
    reach = select(func.min(newest.c.period_start), func.max(newest.c.period_start))
    return reach.where(newest.c.obs_status != NOT_APPLICABLE)


def _of_indicator(table: Any) -> ColumnElement[bool]:
    return col(table.indicator_id) == bindparam("indicator_id")


def of_set(table: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition that rows are of a result set, whose `key` the statement is given."""
    return _of_indicator(table), col(table.disaggregation) == bindparam("disaggregation")


def _for_all_or_some(statement: Any, unit_id: Any) -> dict[bool, Any]:
    """The statement by whether it is about all units, or about those given to it."""
    return {True: statement, False: statement.where(col(unit_id) == any_(bindparam("units", type_=ARRAY(Uuid))))}


_RECORDED = _recorded()
_PARENTS = select(col(Unit.id), col(Unit.parent_id))
_WITH_SERIES = select(col(Series.unit_id)).where(*of_set(Series))
_ASSIGNED_AT_ALL = select(col(Assignment.unit_id)).where(_of_indicator(Assignment))
_WITH_RESULT = select(col(Result.unit_id)).where(*of_set(Result))
_PASSING_DOWN = _WITH_SERIES.where(
    select(Target).where(col(Target.series_id) == col(Series.id), col(Target.applies_below)).exists()
)
_SERIES = select(col(Series.unit_id), col(Series.id), col(Series.version)).where(*of_set(Series))
_INDICATOR = (
    select(Indicator, Calendar)
    .join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))
    .where(col(Indicator.id) == bindparam("indicator_id"))
    .execution_options(populate_existing=True)
)
_PLACES = select(col(Unit.id), col(Unit.parent_id), col(Unit.valid_from), col(Unit.valid_to))
_ASSIGNED = _for_all_or_some(
    select(col(Assignment.unit_id), col(Assignment.valid_from), col(Assignment.valid_to)).where(
        _of_indicator(Assignment)
    ),
    Assignment.unit_id,
)
_OBSERVED = _for_all_or_some(
    _newest(
        col(Series.unit_id),
        col(Measurement.period_start),
        col(Measurement.value),
        col(Measurement.numerator),
        col(Measurement.denominator),
        col(Measurement.obs_status),
        col(Measurement.missing_reason),
    ),
    Series.unit_id,
)
_TARGETS = _for_all_or_some(
    select(col(Series.unit_id), Target).join(Series, col(Series.id) == col(Target.series_id)).where(*of_set(Series)),
    Series.unit_id,
)
