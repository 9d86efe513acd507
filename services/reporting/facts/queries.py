"""Reading results: their periods, their vintages, and what is held back or not here yet.

What each scorecard needs has a statement that is made once: making one costs more than sending it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, any_, bindparam, cast, func, or_, union
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.tables import Unit
from services.reporting.facts.tables import RecordedVintage, Result, ResultValue
from services.reporting.schema import DeadLetter, Progress
from shared.messaging.dead_letters import held_back_subjects
from shared.periods.calendar import Frequency


async def values_of(
    session: AsyncSession, result_ids: Collection[UUID], frequencies: Collection[Frequency]
) -> dict[UUID, list[ResultValue]]:
    """Every period of these frequencies of each result, oldest first."""
    found: dict[UUID, list[ResultValue]] = {}
    asked = {"results": list(result_ids), "frequencies": list(frequencies)}
    for value in await session.exec(_VALUES, params=asked):
        found.setdefault(value.result_id, []).append(value)
    return found


@dataclass(frozen=True, slots=True)
class Vintages:
    """How often a period was recorded, and how often by people who reported it."""

    recorded: int
    reported: int

    @property
    def corrections(self) -> int:
        """What people said after the first time; several vintages of a survey's score are steps, not corrections."""
        return max(self.reported - 1, 0)


async def vintages_of(
    session: AsyncSession, series_ids: Collection[UUID]
) -> dict[tuple[UUID, Frequency, date], Vintages]:
    """How many vintages each recorded period of these series has."""
    rows = await session.exec(_VINTAGES, params={"series": list(series_ids)})
    return {
        (series_id, frequency, start): Vintages(recorded, reported)
        for series_id, frequency, start, recorded, reported in rows
    }


async def latest_starts(
    session: AsyncSession, wanted: Iterable[tuple[UUID, Frequency, ColumnElement[bool]]]
) -> dict[UUID, date]:
    """The start of the latest period of a frequency in which any unit has a value of an indicator.

    Each comes with the condition on results that says whose values count.
    """
    each = [
        select(
            cast(indicator_id, Uuid).label("indicator_id"),
            select(func.max(ResultValue.period_start))
            .where(
                ResultValue.indicator_id == indicator_id,
                ResultValue.frequency == frequency,
                col(ResultValue.value).is_not(None),
                counting,
            )
            .scalar_subquery()
            .label("latest"),
        )
        for indicator_id, frequency, counting in wanted
    ]
    if not each:
        return {}
    latest: Any = union(*each)
    rows = await session.exec(latest)
    return {row.indicator_id: row.latest for row in rows if row.latest is not None}


async def series_has_reached(session: AsyncSession, series_id: UUID, version: int) -> bool:
    """Whether an evaluation is here that has read at least this version of a series."""
    reached = (await session.exec(_REACHED, params={"of": series_id})).one()
    return reached is not None and reached >= version


async def subjects_held_back(session: AsyncSession) -> frozenset[UUID]:
    """What an update is about that waits for a replay."""
    return await held_back_subjects(session, DeadLetter)


def is_held_back(subjects: frozenset[UUID], indicator_id: UUID, result: Result | None) -> bool:
    """Whether an update waits of an indicator, of its result, or of the series that the result was read from."""
    return not subjects.isdisjoint({indicator_id, *((result.result_id, result.series_id) if result else ())})


async def parts_held_back(
    session: AsyncSession, unit_ids: Collection[UUID], indicator_ids: Collection[UUID], subjects: Collection[UUID]
) -> dict[tuple[UUID, UUID], int]:
    """Per unit and indicator, how many units below have a result that waits for a replay."""
    if not subjects:
        return {}
    # Upwards from the few that wait, not down from each unit asked for. UNION ends in a ring of units too.
    up = (
        select(col(Result.indicator_id), col(Result.unit_id).label("part"), col(Unit.parent_id).label("unit_id"))
        .join(Unit, col(Unit.id) == col(Result.unit_id))
        .where(
            col(Result.indicator_id).in_(indicator_ids),
            or_(col(Result.result_id).in_(subjects), col(Result.series_id).in_(subjects)),
        )
        .cte(recursive=True)
    )
    up = up.union(select(up.c.indicator_id, up.c.part, col(Unit.parent_id)).join(Unit, col(Unit.id) == up.c.unit_id))
    rows = await session.exec(
        select(up.c.unit_id, up.c.indicator_id, func.count(func.distinct(up.c.part)))
        .where(up.c.unit_id.in_(unit_ids))
        .group_by(up.c.unit_id, up.c.indicator_id)
    )
    return {(unit_id, indicator_id): count for unit_id, indicator_id, count in rows}


async def progress(session: AsyncSession) -> list[Progress]:
    """How far each log has been applied."""
    return list(await session.exec(_PROGRESS))


def _vintages() -> Any:
    period = (col(RecordedVintage.series_id), col(RecordedVintage.frequency), col(RecordedVintage.period_start))
    by_people = func.count().filter(col(RecordedVintage.source) == "reported")
    statement: Any = select(*period).add_columns(func.count(), by_people)
    return statement.where(period[0] == any_(bindparam("series", type_=ARRAY(Uuid)))).group_by(*period)


_VALUES = (
    select(ResultValue)
    .where(
        col(ResultValue.result_id) == any_(bindparam("results", type_=ARRAY(Uuid))),
        col(ResultValue.frequency) == any_(bindparam("frequencies", type_=ARRAY(Text))),
    )
    .order_by(col(ResultValue.result_id), col(ResultValue.frequency), col(ResultValue.period_start))
)
_VINTAGES = _vintages()
_REACHED = select(func.max(Result.inputs_version)).where(col(Result.series_id) == bindparam("of"))
_PROGRESS = select(Progress).where(Progress.consumer == "reporting").order_by(col(Progress.source))
