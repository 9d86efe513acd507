"""The scorecard of one unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.charts.domain import StoredChart
from services.reporting.charts.queries import charts_of
from services.reporting.directory.queries import overlaps, the_body, unit_by_key
from services.reporting.facts.queries import (
    Vintages,
    is_held_back,
    parts_held_back,
    subjects_held_back,
    values_of,
    vintages_of,
)
from services.reporting.facts.tables import Result, ResultValue
from services.reporting.scorecards.domain.answers import Figure, Scorecard, Tile, UnitRef
from services.reporting.scorecards.domain.asking import AskedPeriod
from services.reporting.scorecards.queries.parts import (
    empty_figure,
    figure_of,
    history_point,
    origins,
    shown_period,
    state_of_knowledge,
)
from services.reporting.scorecards.queries.stamps import Stamp
from services.reporting.scorecards.queries.surroundings import Concern, KeptSurroundings, Surroundings, surroundings
from shared.http.auth import UnitScope
from shared.periods.calendar import Frequency, Period


@dataclass(frozen=True, slots=True)
class _Subject:
    """An indicator of the unit, and the result row if there is one."""

    concern: Concern
    result: Result | None
    frequency: Frequency
    period: Period | None
    """The period asked for, in the indicator's calendar."""


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What was read for all tiles at once."""

    unit_id: UUID
    values: dict[UUID, list[ResultValue]]
    vintages: dict[tuple[UUID, Frequency, date], Vintages]
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
    stamp: Stamp | None = None,
    kept: KeptSurroundings | None = None,
) -> Scorecard:
    """The scorecard of the unit with this id or code, in so many statements whatever it holds.

    Without a scope the reader is the public and sees indicators of class open only. With the stamp that this
    transaction has read, what the directory says may be taken from what is kept.
    """
    if stamp is None:
        await the_body(session)
    unit_id = stamp.unit_id if stamp else (await unit_by_key(session, key)).id
    results = {result.indicator_id: result for result in await session.exec(_HEADLINES, params={"unit": unit_id})}
    if stamp and kept:
        around = await kept.read(session, stamp.edition, unit_id, results, scope)
    else:
        around = await surroundings(session, unit_id, results, scope)
    spoken = (*languages, around.default_language)
    subjects = [_subject(concern, results.get(concern.indicator.ref.id), period) for concern in around.concerns]
    gathered = await _gather(session, around, subjects, spoken)
    return Scorecard(
        unit=around.unit,
        parents=around.parents,
        children=around.children,
        valid_from=around.valid_from,
        valid_to=around.valid_to,
        tiles=tuple(_tile(subject, gathered) for subject in subjects),
        languages=spoken,
        as_of=await state_of_knowledge(session),
    )


_HEADLINES = select(Result).where(col(Result.unit_id) == bindparam("unit"), col(Result.disaggregation) == {})


def _subject(concern: Concern, result: Result | None, period: AskedPeriod | None) -> _Subject:
    own = concern.indicator.ref.frequency
    return _Subject(
        concern=concern,
        result=result,
        frequency=(period.frequency if period else None) or own,
        period=period.of(concern.indicator.calendar, own) if period else None,
    )


async def _gather(
    session: AsyncSession, around: Surroundings, subjects: Sequence[_Subject], languages: tuple[str, ...]
) -> _Gathered:
    results = [subject.result for subject in subjects if subject.result is not None]
    frequencies: set[Frequency] = {"record", *(subject.frequency for subject in subjects)}
    values = await values_of(session, [result.result_id for result in results], frequencies)
    held_back = await subjects_held_back(session)
    indicator_ids = [subject.concern.indicator.ref.id for subject in subjects]
    above = {parent.id: parent for parent in around.parents}
    elsewhere = (value for each in values.values() for value in each if value.target_inherited_from not in above)
    return _Gathered(
        unit_id=around.unit.id,
        values=values,
        vintages=await vintages_of(session, [result.series_id for result in results if result.series_id]),
        charts=await _charts(session, subjects),
        units=above | await origins(session, elsewhere),
        subjects_held_back=held_back,
        parts_held_back=await parts_held_back(session, [around.unit.id], indicator_ids, held_back),
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
    indicator, result = subject.concern.indicator, subject.result
    values = gathered.values.get(result.result_id, []) if result else []
    series = [value for value in values if value.frequency == subject.frequency]
    record = next((value for value in values if value.frequency == "record"), None)
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
        notice=subject.concern.notice,
        held_back=is_held_back(gathered.subjects_held_back, indicator.ref.id, result),
        no_longer_expected=_no_longer_expected(subject, figure, series),
        surveys=subject.concern.surveys,
        result_id=result.result_id if result else None,
        chart=gathered.charts.get(result.result_id) if result else None,
    )


def _no_longer_expected(subject: _Subject, figure: Figure, series: Sequence[ResultValue]) -> bool:
    period = figure.period
    if figure.value is None or period is None or period.frequency == "record":
        return False
    last = subject.concern.indicator.calendar.last_day(Period(period.start, period.frequency))
    ended = [one.valid_to is not None and one.valid_to <= last for one in subject.concern.assigned]
    said_later = any(value.value is not None for value in series if value.period_start > last)
    return bool(ended) and all(ended) and not said_later


def _shown(subject: _Subject, series: Sequence[ResultValue], gathered: _Gathered) -> Figure:
    """The period asked for, else the latest with information, else the latest of all."""
    indicator = subject.concern.indicator
    if subject.period is not None:
        wanted = next((value for value in series if value.period_start == subject.period.start), None)
    else:
        informed = [value for value in series if value.value is not None]
        wanted = next(reversed(informed or series), None)
    if wanted is not None:
        return _figure(wanted, subject, gathered)
    if subject.period is None:
        return empty_figure(None, indicator, expected=bool(subject.concern.assigned), languages=gathered.languages)
    first, last = subject.period.start, indicator.calendar.last_day(subject.period)
    return empty_figure(
        shown_period(indicator.calendar, subject.period.frequency, first),
        indicator,
        expected=any(overlaps(assignment, first, last) for assignment in subject.concern.assigned),
        languages=gathered.languages,
    )


def _figure(value: ResultValue, subject: _Subject, gathered: _Gathered) -> Figure:
    return figure_of(
        value,
        subject.concern.indicator,
        units=gathered.units,
        languages=gathered.languages,
        parts_held_back=gathered.parts_held_back.get((gathered.unit_id, subject.concern.indicator.ref.id), 0),
    )


def _vintages(value: ResultValue, result: Result | None, gathered: _Gathered) -> Vintages | None:
    if result is None or result.series_id is None:
        return None
    return gathered.vintages.get((result.series_id, value.frequency, value.period_start))
