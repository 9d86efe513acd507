"""Recording measurements: each accepted one is a further vintage, whoever sends it and however often."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, bindparam, func, insert, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.indicators.domain import Span
from services.goals.indicators.errors import UnknownIndicator
from services.goals.indicators.queries import indicators_by_key
from services.goals.measurements.domain import Reported, Rules, checked
from services.goals.measurements.queries.vintages import newest_vintages
from services.goals.measurements.tables import Measurement
from services.goals.organisation.errors import UnknownUnit
from services.goals.organisation.queries import units_by_key
from services.goals.recalculation.domain import Touched
from services.goals.recalculation.operations import mark_dirty_with_causes
from services.goals.schema import Outbox
from services.goals.targets.operations import lock_series
from services.goals.targets.queries import SeriesPair
from services.goals.targets.tables import Series
from shared.contracts import MeasurementRecorded, PeriodKey, RecordedValue, SeriesKey
from shared.errors import ServiceError
from shared.http.auth import UnitScope
from shared.ids import new_id
from shared.messaging.outbox import Cause, publish

VALUES_PER_EVENT = 500
"""So many of the longest decimals fit into one event."""


@dataclass(frozen=True, slots=True)
class NewMeasurement:
    """A value to be recorded; `indicator` and `unit` are ids or codes."""

    indicator: str
    unit: str
    reported: Reported


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which vintage of which series a value became, and the version of the series that tells it."""

    measurement_id: UUID
    vintage: int
    series_id: UUID
    series_version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked value of a series."""

    pair: SeriesPair
    reported: Reported


@dataclass(frozen=True, slots=True)
class Origin:
    """Where values come from: who sent them, or the released score that they were made of."""

    source: Literal["reported", "feedback"]
    recorded_by: str
    actor: str | None = None
    cause: Cause | None = None


async def record_measurement(
    session: AsyncSession, new: NewMeasurement, *, scope: UnitScope, actor: str, now: datetime
) -> Recorded:
    """Add a vintage of one period of a series of one of the caller's units; earlier vintages stay readable."""
    (outcome,) = await record_measurements(session, [new], scope=scope, actor=actor, now=now)
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


async def record_measurements(
    session: AsyncSession, new: Sequence[NewMeasurement], *, scope: UnitScope, actor: str, now: datetime
) -> Sequence[Recorded | ServiceError]:
    """Add a vintage for each value that can be recorded; gives for each the vintage, or why there is none."""
    units = await units_by_key(session, {one.unit for one in new}, scope)
    indicators = await indicators_by_key(session, {one.indicator for one in new})
    outcomes: dict[int, Recorded | ServiceError] = {}
    entries: dict[int, Entry] = {}
    for index, one in enumerate(new):
        unit, found = units.get(one.unit), indicators.get(one.indicator)
        if unit is None:
            outcomes[index] = UnknownUnit(f"There is no unit «{one.unit}» among yours.")
            continue
        if found is None:
            outcomes[index] = UnknownIndicator(f"There is no indicator «{one.indicator}».")
            continue
        indicator, calendar = found
        fiscal = calendar.fiscal()
        exists = Span(unit.valid_from, unit.valid_to)
        rules = Rules(indicator.frequency, fiscal, indicator.ratio_factor, exists)
        try:
            reported = checked(one.reported, rules, today=fiscal.day_of(now))
        except ServiceError as error:
            outcomes[index] = error
        else:
            entries[index] = Entry((indicator.id, unit.id), reported)
    recorded = await record_entries(session, list(entries.values()), Origin("reported", actor, actor), now=now)
    outcomes |= dict(zip(entries, recorded, strict=True))
    return [outcomes[index] for index in range(len(new))]


async def record_entries(
    session: AsyncSession, entries: Sequence[Entry], origin: Origin, *, now: datetime
) -> Sequence[Recorded]:
    """Add a vintage for each checked value and tell it: one event a series, more only for very many values."""
    if not entries:
        return []
    series = await lock_series(session, {entry.pair for entry in entries})
    newest = await newest_vintages(session, {(series[entry.pair].id, entry.reported.period.start) for entry in entries})
    versions = {one.id: one.version for one in series.values()}
    recorded: dict[int, Recorded] = {}
    rows: list[dict[str, object]] = []
    marks: list[tuple[Touched, Cause]] = []
    for pair, indices in sorted(_by_series(entries).items(), key=lambda group: series[group[0]].id):
        one = series[pair]
        for start in range(0, len(indices), VALUES_PER_EVENT):
            values = {
                index: _value(entries[index].reported, _next_vintage(newest, one.id, entries[index].reported))
                for index in indices[start : start + VALUES_PER_EVENT]
            }
            versions[one.id] += 1
            told = publish(
                session,
                Outbox,
                MeasurementRecorded(
                    series_id=one.id, series=_key(one), source=origin.source, values=list(values.values())
                ),
                subject=one.id,
                subject_version=versions[one.id],
                actor=origin.actor,
                cause=origin.cause,
                now=now,
            )
            cause = Cause(told, origin.cause.depth + 1 if origin.cause else 0)
            for index, value in values.items():
                rows.append(_row(one, value, told, origin, now))
                recorded[index] = Recorded(value.measurement_id, value.vintage, one.id, versions[one.id])
                marks.append((Touched(*pair, one.disaggregation, entries[index].reported.period), cause))
    await session.execute(_RECORD, rows)
    await _number(session, versions)
    await mark_dirty_with_causes(session, marks)
    await session.flush()
    return [recorded[index] for index in range(len(entries))]


def _by_series(entries: Sequence[Entry]) -> dict[SeriesPair, list[int]]:
    """The places of each series' values, in period order; equal periods as they were sent, the last one newest."""
    groups: defaultdict[SeriesPair, list[int]] = defaultdict(list)
    for index in sorted(range(len(entries)), key=lambda index: entries[index].reported.period):
        groups[entries[index].pair].append(index)
    return groups


def _next_vintage(newest: dict[tuple[UUID, date], int], series_id: UUID, reported: Reported) -> int:
    key = (series_id, reported.period.start)
    newest[key] = newest.get(key, 0) + 1
    return newest[key]


def _value(reported: Reported, vintage: int) -> RecordedValue:
    return RecordedValue(
        measurement_id=new_id(),
        period=PeriodKey(frequency=reported.period.frequency, start=reported.period.start),
        vintage=vintage,
        value=reported.value,
        numerator=reported.numerator,
        denominator=reported.denominator,
        obs_status=reported.obs_status,
        missing_reason=reported.missing_reason,
    )


def _row(series: Series, value: RecordedValue, event_id: UUID, origin: Origin, now: datetime) -> dict[str, object]:
    return {
        "id": value.measurement_id,
        "series_id": series.id,
        "frequency": value.period.frequency,
        "period_start": value.period.start,
        "vintage": value.vintage,
        "value": value.value,
        "numerator": value.numerator,
        "denominator": value.denominator,
        "obs_status": value.obs_status,
        "missing_reason": value.missing_reason,
        "source": origin.source,
        "recorded_at": now,
        "recorded_by": origin.recorded_by,
        "event_id": event_id,
        "cause_id": origin.cause.event_id if origin.cause else None,
    }


def _key(series: Series) -> SeriesKey:
    return SeriesKey(indicator_id=series.indicator_id, unit_id=series.unit_id, disaggregation=series.disaggregation)


async def _number(session: AsyncSession, versions: dict[UUID, int]) -> None:
    """Write the new versions in one statement; through the objects it would be one for each series."""
    await session.execute(_NUMBER, {"series": list(versions), "versions": list(versions.values())})


def _numbering() -> Any:
    arrays: Any = (bindparam("series", type_=ARRAY(Uuid)), bindparam("versions", type_=ARRAY(BigInteger)))
    new = func.unnest(*arrays).table_valued("id", "version", name="new").render_derived()
    numbered = update(Series).where(col(Series.id) == new.c.id).values(version=new.c.version)
    return numbered.execution_options(synchronize_session=False)


_RECORD, _NUMBER = insert(Measurement), _numbering()
"""Made once: making a statement costs more than sending it."""
