"""Locking results, keeping what changed of them, and telling it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Date, Text, Uuid, any_, bindparam, cast, delete, exists, func, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.domain.affected import Reach
from services.goals.evaluation.domain.evaluating import Evaluated
from services.goals.evaluation.operations.telling import RULE_SET, Rendering, closed, pieces, within_depth
from services.goals.evaluation.queries import ResultSet, SeriesRead, of_set
from services.goals.evaluation.tables import EvaluatedReach, Result, ResultValue
from services.goals.schema import GoalsTable, Outbox
from shared.contracts import EvaluationMade, SeriesKey
from shared.ids import new_id
from shared.messaging.outbox import Cause, publish
from shared.periods.calendar import Period

ROWS_PER_STATEMENT = 10_000

_TABLE = GoalsTable.metadata.tables[f"goals.{ResultValue.__tablename__}"]
_RESULTS = GoalsTable.metadata.tables[f"goals.{Result.__tablename__}"]
_KEY = ("result_id", "frequency", "period_start")
_VALUES = tuple(column.name for column in _TABLE.columns if column.name not in _KEY)
_AS_WRITTEN = ("value", "numerator", "denominator", "progress")
"""Compared as text, since 1.5 equals 1.50 and is not the same report."""

_LOCK_REACH = (
    select(col(EvaluatedReach.first), col(EvaluatedReach.last)).where(*of_set(EvaluatedReach)).with_for_update()
)
_LOCK_RESULTS = (
    select(col(Result.unit_id), col(Result.id), col(Result.version), col(Result.inputs_version))
    .where(*of_set(Result), col(Result.unit_id) == any_(bindparam("units", type_=ARRAY(Uuid))))
    .order_by(col(Result.id))
    .with_for_update()
)
_TELL = update(_RESULTS).where(_RESULTS.c.id == bindparam("locked_id"))


@dataclass(frozen=True, slots=True)
class Locked:
    """A result row that this transaction holds; version 0 means that it has never been evaluated."""

    id: UUID
    version: int
    inputs_version: int


async def lock_reach(session: AsyncSession, wanted: ResultSet) -> Reach | None:
    """Hold a result set against other evaluations, and say how far its results reach."""
    held = (await session.exec(_LOCK_REACH, params=wanted.key)).one_or_none()
    if held is None:
        new = insert(EvaluatedReach).values(id=new_id(), **wanted.key)
        await session.exec(new.on_conflict_do_nothing())
        held = (await session.exec(_LOCK_REACH, params=wanted.key)).one()
    first, last = held
    return Reach(first, last) if first is not None and last is not None else None


async def keep_reach(session: AsyncSession, wanted: ResultSet, reach: Reach | None) -> None:
    """Remember how far the results of a result set reach now."""
    first, last = reach or (None, None)
    statement = update(EvaluatedReach).filter_by(**wanted.key).values(first=first, last=last)
    await session.exec(statement.execution_options(synchronize_session=False))


async def lock_results(session: AsyncSession, wanted: ResultSet, units: Iterable[UUID]) -> dict[UUID, Locked]:
    """The result rows of the units, made where there was none, and locked in the order of their ids.

    The result set is held, so nobody else makes or locks any of them meanwhile.
    """
    units = sorted(units)
    asked = {**wanted.key, "units": units}
    rows = (await session.exec(_LOCK_RESULTS, params=asked)).all()
    if len(rows) < len(units):
        known = {unit for unit, *_ in rows}
        new = [
            {"id": new_id(), **wanted.key, "unit_id": unit, "version": 0, "inputs_version": 0}
            for unit in units
            if unit not in known
        ]
        await session.exec(insert(Result), params=new)
        rows = (await session.exec(_LOCK_RESULTS, params=asked)).all()
    return {unit: Locked(row, version, read) for unit, row, version, read in rows}


async def keep_and_tell(
    session: AsyncSession,
    wanted: ResultSet,
    *,
    results: Mapping[UUID, Locked],
    series: Mapping[UUID, SeriesRead],
    evaluated: Mapping[UUID, Sequence[Evaluated]],
    whole: Collection[UUID],
    cause: Cause | None,
    now: datetime,
) -> None:
    """Write what changed and tell it, result by result; of the `whole` units every period was evaluated.

    A result whose series has moved on is told even where every number stayed: somebody may be waiting for it.
    """
    render = Rendering()
    rows = [
        {"result_id": results[unit].id, **render.row(one)} for unit, periods in evaluated.items() for one in periods
    ]
    changed = await _keep_changed(session, rows)
    by_result = {results[unit].id: periods for unit, periods in evaluated.items()}
    gone = await _close_records(session, by_result)
    for result_id, closing in (await _close_periods(session, by_result, {results[u].id for u in whole})).items():
        gone.setdefault(result_id, []).extend(closing)
    updates = []
    for unit, periods in evaluated.items():
        result, read = results[unit], series.get(unit)
        version_read = read.version if read else 0
        news = [one for one in periods if (result.id, one.period.frequency, one.period.start) in changed]
        if not news and version_read > result.inputs_version:
            news = list(periods)
        elif not news and result.id not in gone:
            continue
        told = [render.period(one) for one in news] + [closed(period) for period in gone.get(result.id, ())]
        version, split = result.version, list(pieces(told))
        for piece in split:
            version += 1
            # Only the last part of what is told says that the series is applied up to the version read.
            applied = version_read if piece is split[-1] else result.inputs_version
            publish(
                session,
                Outbox,
                EvaluationMade(
                    result_id=result.id,
                    series_id=read.id if read else None,
                    series=SeriesKey(
                        indicator_id=wanted.indicator_id, unit_id=unit, disaggregation=wanted.disaggregation
                    ),
                    inputs_version=applied,
                    evaluated_at=now,
                    rule_set=RULE_SET,
                    periods=piece,
                ),
                subject=result.id,
                subject_version=version,
                now=now,
                cause=within_depth(cause),
            )
        updates.append(
            {
                "locked_id": result.id,
                "version": version,
                "inputs_version": version_read,
                "series_id": read.id if read else None,
            }
        )
    if updates:
        connection = await session.connection()
        await connection.execute(_TELL, updates)
    await session.flush()


async def _keep_changed(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> set[tuple[UUID, str, date]]:
    """Write the rows, and say the keys of those that were new or said something else before."""
    changed: set[tuple[UUID, str, date]] = set()
    for first in range(0, len(rows), ROWS_PER_STATEMENT):
        chunk = rows[first : first + ROWS_PER_STATEMENT]
        parameters = {column.name: [row[column.name] for row in chunk] for column in _TABLE.columns}
        changed.update((*key,) for key in (await session.exec(_KEEP_CHANGED, params=parameters)).all())
    return changed


def _keep_changed_statement() -> Any:
    names = [column.name for column in _TABLE.columns]
    arrays = [bindparam(column.name, type_=ARRAY(column.type, dimensions=1)) for column in _TABLE.columns]
    source = func.unnest(*arrays).table_valued(*names, name="new").render_derived()
    statement = insert(_TABLE).from_select(names, select(*(source.c[name] for name in names)))
    held = [cast(_TABLE.c[name], Text) if name in _AS_WRITTEN else _TABLE.c[name] for name in _VALUES]
    new = [cast(statement.excluded[n], Text) if n in _AS_WRITTEN else statement.excluded[n] for n in _VALUES]
    return statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: statement.excluded[name] for name in _VALUES},
        where=tuple_(*held).is_distinct_from(tuple_(*new)),
    ).returning(*(_TABLE.c[name] for name in _KEY))


_KEEP_CHANGED = _keep_changed_statement()


async def _close_records(
    session: AsyncSession, evaluated: Mapping[UUID, Sequence[Evaluated]]
) -> dict[UUID, list[Period]]:
    """Remove the records that begin elsewhere now; say where they began for those results that have none any more.

    The record's key has its first period in it: an earlier value, a moved unit or another assignment moves it. Whoever
    follows keeps the newest record of a result, so only a record without a successor has to be told.
    """
    records = {
        result: next((one.period.start for one in periods if one.period.frequency == "record"), None)
        for result, periods in evaluated.items()
    }
    gone: dict[UUID, list[Period]] = {}
    parameters = {"ids": list(records), "starts": list(records.values())}
    for result, start in (await session.exec(_CLOSE_RECORDS, params=parameters)).all():
        if records[result] is None:
            gone.setdefault(result, []).append(Period(start, "record"))
    return gone


def _close_records_statement() -> Any:
    arrays = (bindparam("ids", type_=ARRAY(Uuid)), bindparam("starts", type_=ARRAY(Date)))
    current = func.unnest(*arrays).table_valued("id", "start", name="current").render_derived()
    return (
        delete(_TABLE)
        .where(
            _TABLE.c.result_id == current.c.id,
            _TABLE.c.frequency == "record",
            _TABLE.c.period_start.is_distinct_from(current.c.start),
        )
        .returning(_TABLE.c.result_id, _TABLE.c.period_start)
    )


_CLOSE_RECORDS = _close_records_statement()


async def _close_periods(
    session: AsyncSession, evaluated: Mapping[UUID, Sequence[Evaluated]], whole: Collection[UUID]
) -> dict[UUID, list[Period]]:
    """Remove the periods of the whole results in which there is nothing any more, and say which they were."""
    if not whole:
        return {}
    keys = [(result, one.period) for result in whole for one in evaluated[result]]
    current = (
        func.unnest(
            bindparam("ids", [result for result, _ in keys], type_=ARRAY(Uuid)),
            bindparam("frequencies", [period.frequency for _, period in keys], type_=ARRAY(Text)),
            bindparam("starts", [period.start for _, period in keys], type_=ARRAY(Date)),
        )
        .table_valued("id", "frequency", "start", name="current")
        .render_derived()
    )
    is_current = (
        exists()
        .where(_TABLE.c.result_id == current.c.id)
        .where(_TABLE.c.frequency == current.c.frequency, _TABLE.c.period_start == current.c.start)
    )
    statement = (
        delete(_TABLE)
        .where(_TABLE.c.result_id == any_(bindparam("whole", list(whole), type_=ARRAY(Uuid))))
        .where(_TABLE.c.frequency != "record", ~is_current)
        .returning(_TABLE.c.result_id, _TABLE.c.frequency, _TABLE.c.period_start)
    )
    gone: dict[UUID, list[Period]] = {}
    for result, frequency, start in (await session.exec(statement)).all():
        gone.setdefault(result, []).append(Period(start, frequency))
    return {result: sorted(periods) for result, periods in gone.items()}
