"""Reading indicators and who is expected to report them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from services.goals.calendars.tables import Calendar
from services.goals.indicators.domain import Direction
from services.goals.indicators.errors import UnknownAssignment, UnknownIndicator
from services.goals.indicators.tables import Assignment, Indicator
from services.goals.organisation.tables import Unit
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import within
from shared.ids import as_id


async def list_indicators(
    session: AsyncSession, query: PageSettings, *, disclosure_class: str | None = None
) -> tuple[Sequence[tuple[Indicator, str]], str | None]:
    """Every indicator with the code of its calendar, and where the next page begins."""
    wanted = select(Indicator, Calendar.code).join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))
    if disclosure_class is not None:
        wanted = wanted.where(col(Indicator.disclosure_class) == disclosure_class)
    code = col(Indicator.code)
    rows, following = await page(session, wanted, query, sortable={"code": code}, default_sort=[code])
    return [(indicator, calendar_code) for indicator, calendar_code in rows], following


async def calendar_code(session: AsyncSession, indicator: Indicator) -> str:
    """The code of an indicator's calendar."""
    return (await session.exec(select(Calendar.code).where(col(Calendar.id) == indicator.calendar_id))).one()


async def indicator_by_key(session: AsyncSession, key: str, *, for_update: bool = False) -> Indicator:
    """The indicator with an id or a code."""
    identifier = as_id(key)
    query = select(Indicator).where(col(Indicator.id) == identifier if identifier else col(Indicator.code) == key)
    if for_update:
        query = query.with_for_update(key_share=True)
    indicator = (await session.exec(query)).one_or_none()
    if indicator is None:
        raise UnknownIndicator(f"There is no indicator «{key}».")
    return indicator


async def indicators_by_key(session: AsyncSession, keys: Collection[str]) -> dict[str, tuple[Indicator, Calendar]]:
    """The indicators with these ids and codes and the calendar of each, by the key that asked for them."""
    ids = {identifier for key in keys if (identifier := as_id(key)) is not None}
    codes = {key for key in keys if as_id(key) is None}
    found = (await session.exec(_KNOWN, params={"ids": list(ids), "codes": list(codes)})).all()
    by_id = {indicator.id: (indicator, calendar) for indicator, calendar in found}
    by_code = {indicator.code: (indicator, calendar) for indicator, calendar in found}
    resolved = ((key, by_id.get(identifier) if (identifier := as_id(key)) else by_code.get(key)) for key in keys)
    return {key: pair for key, pair in resolved if pair is not None}


_KNOWN = (
    select(Indicator, Calendar)
    .join(Calendar, col(Calendar.id) == col(Indicator.calendar_id))
    .where(
        or_(
            col(Indicator.id) == any_(bindparam("ids", type_=ARRAY(Uuid))),
            col(Indicator.code) == any_(bindparam("codes", type_=ARRAY(Text))),
        )
    )
)
"""Made once, as each write needs it: making a statement costs more than sending it."""


async def direction_of(session: AsyncSession, indicator_id: UUID) -> Direction:
    """Which way an indicator is better; nobody changes it until the transaction ends."""
    query = select(Indicator).where(col(Indicator.id) == indicator_id).with_for_update(read=True)
    return (await session.exec(query.execution_options(populate_existing=True))).one().direction


async def lock_indicators(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Lock indicators in id order: whoever holds one alone changes who is expected to report it."""
    query = select(Indicator.id).where(col(Indicator.id).in_(ids)).order_by(col(Indicator.id))
    await session.exec(query.with_for_update(key_share=True))


async def list_assignments(
    session: AsyncSession,
    query: PageSettings,
    scope: UnitScope,
    *,
    indicator_id: UUID | None = None,
    unit_id: UUID | None = None,
) -> tuple[Sequence[tuple[Assignment, str, str]], str | None]:
    """The assignments of the caller's units, with the codes of indicator and unit, and where the next page begins."""
    wanted = _assignments(scope)
    if indicator_id is not None:
        wanted = wanted.where(col(Assignment.indicator_id) == indicator_id)
    if unit_id is not None:
        wanted = wanted.where(col(Assignment.unit_id) == unit_id)
    sortable = {
        "indicator": col(Indicator.code),
        "unit": col(Unit.code),
        "valid_from": col(Assignment.valid_from),
    }
    order = [col(Indicator.code), col(Unit.code), col(Assignment.valid_from)]
    rows, following = await page(session, wanted, query, sortable=sortable, default_sort=order)
    return [(assignment, indicator, unit) for assignment, indicator, unit in rows], following


def _assignments(scope: UnitScope) -> Select[Assignment, str, str]:
    return (
        select(Assignment, Indicator.code, Unit.code)
        .join(Indicator, col(Indicator.id) == col(Assignment.indicator_id))
        .join(Unit, col(Unit.id) == col(Assignment.unit_id))
        .where(within(Unit, scope, col(Assignment.unit_id)))
    )


async def assignment_by_id(session: AsyncSession, assignment_id: UUID, scope: UnitScope) -> tuple[Assignment, str, str]:
    """One assignment of the caller's units, with the codes of indicator and unit."""
    query = _assignments(scope).where(col(Assignment.id) == assignment_id)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise UnknownAssignment("There is no such assignment among those of your units.")
    return found


async def assignments_between(
    session: AsyncSession, indicator_ids: Collection[UUID], unit_ids: Collection[UUID]
) -> Sequence[Assignment]:
    """Every assignment of any of these units to any of these indicators, as it is now."""
    query = select(Assignment).where(
        col(Assignment.indicator_id).in_(indicator_ids), col(Assignment.unit_id).in_(unit_ids)
    )
    return (await session.exec(query.execution_options(populate_existing=True))).all()
