"""The scorecard of one unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.charts.domain import StoredChart
from services.reporting.charts.queries import charts_of
from services.reporting.directory.queries import (
    children_of,
    may_see,
    overlaps,
    parents_of,
    surveys_feeding,
    the_body,
    unit_by_key,
)
from services.reporting.directory.tables import Assignment, Indicator, Survey, Unit
from services.reporting.facts.queries import (
    Vintages,
    is_held_back,
    parts_held_back,
    subjects_held_back,
    values_of,
    vintages_of,
)
from services.reporting.facts.tables import Result, ResultValue
from services.reporting.scorecards.domain.answers import Figure, Scorecard, SurveyRef, Tile, UnitRef
from services.reporting.scorecards.domain.asking import AskedPeriod
from services.reporting.scorecards.queries.parts import (
    Known,
    empty_figure,
    figure_of,
    history_point,
    known,
    known_indicators,
    notice_of,
    origins,
    shown_period,
    state_of_knowledge,
    unit_ref,
)
from shared.http.auth import UnitScope
from shared.periods.calendar import Frequency, Period


@dataclass(frozen=True, slots=True)
class _Subject:
    """An indicator of the unit, and the result row if there is one."""

    indicator: Known
    result: Result | None
    assignments: tuple[Assignment, ...]
    frequency: Frequency
    period: Period | None
    """The period asked for, in the indicator's calendar."""


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What was read for all tiles at once."""

    unit_id: UUID
    values: dict[UUID, list[ResultValue]]
    vintages: dict[tuple[UUID, Frequency, date], Vintages]
    surveys: dict[UUID, list[Survey]]
    charts: dict[UUID, StoredChart]
    units: dict[UUID, UnitRef]
    subjects_held_back: frozenset[UUID]
    parts_held_back: dict[tuple[UUID, UUID], int]
    languages: tuple[str, ...]


async def scorecard(
    session: AsyncSession,
    key: str,
    *,
    period: AskedPeriod | None = None,
    languages: Sequence[str] = (),
    scope: UnitScope | None = None,
) -> Scorecard:
    """The scorecard of the unit with this id or code, in so many statements whatever it holds.

    Without a scope the reader is the public and sees indicators of class open only.
    """
    body = await the_body(session)
    unit = await unit_by_key(session, key)
    spoken = (*languages, body.default_language)
    subjects = await _subjects(session, unit, period, scope)
    gathered = await _gather(session, unit, subjects, spoken)
    return Scorecard(
        unit=unit_ref(unit),
        parents=tuple(unit_ref(parent) for parent in await parents_of(session, unit)),
        children=tuple(unit_ref(child) for child in await children_of(session, unit.id)),
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
        tiles=tuple(_tile(subject, gathered) for subject in subjects),
        languages=spoken,
        as_of=await state_of_knowledge(session),
    )


async def _subjects(
    session: AsyncSession, unit: Unit, period: AskedPeriod | None, scope: UnitScope | None
) -> list[_Subject]:
    """The indicators that the unit is assigned or has been evaluated for, as far as the reader may see them."""
    assigned: dict[UUID, list[Assignment]] = {}
    for assignment in await session.exec(_ASSIGNMENTS, params={"unit": unit.id}):
        assigned.setdefault(assignment.indicator_id, []).append(assignment)
    subjects = []
    parameters = {"unit": unit.id, "assigned": list(assigned)}
    for indicator, calendar, result in await session.exec(_known_to(scope), params=parameters):
        pair = known(indicator, calendar)
        own = pair.ref.frequency
        subjects.append(
            _Subject(
                indicator=pair,
                result=result,
                assignments=tuple(assigned.get(indicator.id, ())),
                frequency=(period.frequency if period else None) or own,
                period=period.of(pair.calendar, own) if period else None,
            )
        )
    return subjects


_ASSIGNMENTS = select(Assignment).where(col(Assignment.unit_id) == bindparam("unit"))


@lru_cache(maxsize=100)
def _known_to(scope: UnitScope | None) -> Any:
    """The statement for readers of a scope, made once: making it costs more than sending it."""
    unit_id: Any = bindparam("unit", type_=Uuid)
    return (
        known_indicators()
        .add_columns(Result)
        .outerjoin(
            Result,
            and_(
                col(Result.indicator_id) == col(Indicator.id),
                col(Result.unit_id) == unit_id,
                col(Result.disaggregation) == {},
            ),
        )
        .where(
            or_(
                col(Result.result_id).is_not(None),
                col(Indicator.id) == any_(bindparam("assigned", type_=ARRAY(Uuid))),
            )
        )
        .where(may_see(scope, unit_id))
        .order_by(col(Indicator.code))
    )


async def _gather(
    session: AsyncSession, unit: Unit, subjects: Sequence[_Subject], languages: tuple[str, ...]
) -> _Gathered:
    results = [subject.result for subject in subjects if subject.result is not None]
    frequencies: set[Frequency] = {"record", *(subject.frequency for subject in subjects)}
    values = await values_of(session, [result.result_id for result in results], frequencies)
    held_back = await subjects_held_back(session)
    indicator_ids = [subject.indicator.ref.id for subject in subjects]
    return _Gathered(
        unit_id=unit.id,
        values=values,
        vintages=await vintages_of(session, [result.series_id for result in results if result.series_id]),
        surveys=await surveys_feeding(session, indicator_ids),
        charts=await _charts(session, subjects),
        units=await origins(session, (value for each in values.values() for value in each)),
        subjects_held_back=held_back,
        parts_held_back=await parts_held_back(session, [unit.id], indicator_ids, held_back),
        languages=languages,
    )


async def _charts(session: AsyncSession, subjects: Sequence[_Subject]) -> dict[UUID, StoredChart]:
    """The stored chart of each result at the frequency that its tile shows."""
    by_frequency: dict[Frequency, list[UUID]] = {}
    for subject in subjects:
        if subject.result is not None:
            by_frequency.setdefault(subject.frequency, []).append(subject.result.result_id)
    charts: dict[UUID, StoredChart] = {}
    for frequency, result_ids in by_frequency.items():
        charts.update(await charts_of(session, result_ids, frequency))
    return charts


def _tile(subject: _Subject, gathered: _Gathered) -> Tile:
    indicator, result = subject.indicator, subject.result
    values = gathered.values.get(result.result_id, []) if result else []
    series = [value for value in values if value.frequency == subject.frequency]
    record = next((value for value in values if value.frequency == "record"), None)
    surveys = gathered.surveys.get(indicator.ref.id, [])
    figure = _shown(subject, series, gathered)
    return Tile(
        indicator=indicator.ref,
        figure=figure,
        record=_figure(record, subject, gathered) if record else None,
        history=tuple(
            history_point(value, indicator, _vintages(value, result, gathered))
            for value in series
            if value.frequency != "record"
        ),
        notice=notice_of(indicator, surveys),
        held_back=is_held_back(gathered.subjects_held_back, indicator.ref.id, result),
        no_longer_expected=_no_longer_expected(subject, figure, series),
        surveys=tuple(SurveyRef(survey.id, survey.code, survey.title, survey.state) for survey in surveys),
        result_id=result.result_id if result else None,
        chart=gathered.charts.get(result.result_id) if result else None,
    )


def _no_longer_expected(subject: _Subject, figure: Figure, series: Sequence[ResultValue]) -> bool:
    period = figure.period
    if figure.value is None or period is None or period.frequency == "record":
        return False
    last = subject.indicator.calendar.last_day(Period(period.start, period.frequency))
    ended = [one.valid_to is not None and one.valid_to <= last for one in subject.assignments]
    said_later = any(value.value is not None for value in series if value.period_start > last)
    return bool(ended) and all(ended) and not said_later


def _shown(subject: _Subject, series: Sequence[ResultValue], gathered: _Gathered) -> Figure:
    """The period asked for, else the latest with information, else the latest of all."""
    indicator = subject.indicator
    if subject.period is not None:
        wanted = next((value for value in series if value.period_start == subject.period.start), None)
    else:
        informed = [value for value in series if value.value is not None]
        wanted = next(reversed(informed or series), None)
    if wanted is not None:
        return _figure(wanted, subject, gathered)
    if subject.period is None:
        return empty_figure(None, indicator, expected=bool(subject.assignments), languages=gathered.languages)
    first, last = subject.period.start, indicator.calendar.last_day(subject.period)
    return empty_figure(
        shown_period(indicator.calendar, subject.period.frequency, first),
        indicator,
        expected=any(overlaps(assignment, first, last) for assignment in subject.assignments),
        languages=gathered.languages,
    )


def _figure(value: ResultValue, subject: _Subject, gathered: _Gathered) -> Figure:
    return figure_of(
        value,
        subject.indicator,
        units=gathered.units,
        languages=gathered.languages,
        parts_held_back=gathered.parts_held_back.get((gathered.unit_id, subject.indicator.ref.id), 0),
    )


def _vintages(value: ResultValue, result: Result | None, gathered: _Gathered) -> Vintages | None:
    if result is None or result.series_id is None:
        return None
    return gathered.vintages.get((result.series_id, value.frequency, value.period_start))
