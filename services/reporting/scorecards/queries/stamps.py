"""What a scorecard was made from, in one look-up: as long as that stays, so does the scorecard."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, literal
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.queries import by_key, is_known, unit_by_key
from services.reporting.directory.tables import DirectoryEdition, Indicator, Unit
from services.reporting.facts.queries import series_has_reached
from services.reporting.facts.tables import Result
from services.reporting.schema import DeadLetter
from shared.http.auth import UnitScope
from shared.http.scopes import within


class Stamp(NamedTuple):
    """The state of everything that a unit's scorecard shows, whoever reads it and for whichever period."""

    unit_id: UUID
    edition: UUID
    """Of the directory: names, indicators, assignments, surveys."""
    results: str | None
    """The versions of the unit's results. Each new vintage and each new chart comes with a new version."""
    waiting: str | None
    """The updates that are held back."""


async def stamp_of(session: AsyncSession, key: str) -> Stamp | None:
    """The stamp of a unit's scorecard, or None where there is no such unit."""
    statement, parameters = by_key(_STAMPS, key)
    row = (await session.exec(statement, params=parameters)).first()
    return None if row is None else Stamp(*row)


async def watchable(session: AsyncSession, key: str, scope: UnitScope | None) -> tuple[UUID, bool]:
    """The unit with an id or a code, and whether a reader sees all of its results or the open ones alone."""
    unit = await unit_by_key(session, key)
    return unit.id, bool((await session.exec(select(within(Unit, scope, literal(unit.id))))).one())


async def state_of_results(session: AsyncSession, unit_id: UUID, everything: bool) -> str:
    """What changes with each result of a unit; of those that are not open nobody else is to learn when they do."""
    result = cast(col(Result.result_id), Text) + ":" + cast(col(Result.version), Text)
    query = select(func.coalesce(_all_of(result), func.md5(""))).where(col(Result.unit_id) == unit_id)
    if not everything:
        open_ones = select(Indicator.id).where(Indicator.disclosure_class == "open")
        query = query.where(col(Result.indicator_id).in_(open_ones))
    return str((await session.exec(query)).one())


async def has_reached(session: AsyncSession, aggregate_id: UUID, version: int) -> bool:
    """Whether a version of a series, or of something else that was written, is applied here."""
    return await series_has_reached(session, aggregate_id, version) or await is_known(session, aggregate_id, version)


def _stamps() -> dict[bool, Any]:
    result = cast(col(Result.result_id), Text) + ":" + cast(col(Result.version), Text)
    results = select(_all_of(result)).where(col(Result.unit_id) == col(Unit.id))
    letter = cast(col(DeadLetter.log_id), Text) + ":" + cast(col(DeadLetter.position), Text)
    waiting = select(_all_of(letter)).where(col(DeadLetter.resolved_at).is_(None))
    edition = select(col(DirectoryEdition.edition)).scalar_subquery()
    statement = select(col(Unit.id), edition, results.scalar_subquery(), waiting.scalar_subquery())
    statement = statement.order_by(col(Unit.id)).limit(1)
    return {
        True: statement.where(col(Unit.id) == bindparam("key")),
        False: statement.where(col(Unit.code) == bindparam("key")),
    }


def _all_of(each: ColumnElement[str]) -> ColumnElement[str | None]:
    return func.md5(func.string_agg(each, aggregate_order_by(literal(","), each)))


_STAMPS = _stamps()
