"""Reading the body and the unit tree."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.goals.organisation.errors import NoBody, UnknownUnit
from services.goals.organisation.tables import Body, Unit
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import within
from shared.ids import as_id


async def the_body(session: AsyncSession) -> Body:
    """The body of this deployment."""
    body = (await session.exec(select(Body))).one_or_none()
    if body is None:
        raise NoBody("Make the body first, with «steward bootstrap --body …».")
    return body


async def body_for_update(session: AsyncSession) -> Body:
    """The body, locked: whoever holds it is the only one that changes the unit tree."""
    body = (await session.exec(select(Body).with_for_update(key_share=True))).one_or_none()
    if body is None:
        raise NoBody("Make the body first, with «steward bootstrap --body …».")
    return body


async def list_units(
    session: AsyncSession,
    query: PageSettings,
    scope: UnitScope,
    *,
    parent_id: UUID | None = None,
    level: str | None = None,
) -> tuple[Sequence[tuple[Unit, str | None]], str | None]:
    """The units a caller may see, each with the code of its parent, and where the next page begins."""
    parent = aliased(Unit)
    wanted = select(Unit, parent.code).outerjoin(parent, col(parent.id) == col(Unit.parent_id))
    wanted = wanted.where(within(Unit, scope, col(Unit.id)))
    if parent_id is not None:
        wanted = wanted.where(col(Unit.parent_id) == parent_id)
    if level is not None:
        wanted = wanted.where(col(Unit.level) == level)
    sortable = {"code": col(Unit.code), "level": col(Unit.level), "valid_from": col(Unit.valid_from)}
    rows, following = await page(session, wanted, query, sortable=sortable, default_sort=[col(Unit.code)])
    return [(unit, parent_code) for unit, parent_code in rows], following


async def code_of(session: AsyncSession, unit_id: UUID | None) -> str | None:
    """The code of a unit."""
    return (await session.exec(select(Unit.code).where(col(Unit.id) == unit_id))).one_or_none()


async def unit_by_key(session: AsyncSession, key: str, scope: UnitScope, *, for_update: bool = False) -> Unit:
    """The unit with an id or a code, if it lies inside the caller's units."""
    identifier = as_id(key)
    wanted = col(Unit.id) == identifier if identifier else col(Unit.code) == key
    query = select(Unit).where(wanted, within(Unit, scope, col(Unit.id)))
    if for_update:
        query = query.with_for_update(key_share=True, of=Unit)
    unit = (await session.exec(query)).one_or_none()
    if unit is None:
        raise UnknownUnit(f"There is no unit «{key}» among yours.")
    return unit


async def units_by_key(session: AsyncSession, keys: Collection[str], scope: UnitScope) -> dict[str, Unit]:
    """The units inside the caller's units among those with these ids and codes, by the key that asked for them."""
    ids = {identifier for key in keys if (identifier := as_id(key)) is not None}
    codes = {key for key in keys if as_id(key) is None}
    found = (await session.exec(_known_to(scope), params={"ids": list(ids), "codes": list(codes)})).all()
    by_id = {unit.id: unit for unit in found}
    by_code = {unit.code: unit for unit in found}
    resolved = ((key, by_id.get(identifier) if (identifier := as_id(key)) else by_code.get(key)) for key in keys)
    return {key: unit for key, unit in resolved if unit is not None}


@lru_cache(maxsize=100)
def _known_to(scope: UnitScope) -> SelectOfScalar[Unit]:
    """The statement for callers of a scope, made once: making it costs more than sending it."""
    ids, codes = bindparam("ids", type_=ARRAY(Uuid)), bindparam("codes", type_=ARRAY(Text))
    known = or_(col(Unit.id) == any_(ids), col(Unit.code) == any_(codes))
    return select(Unit).where(known, within(Unit, scope, col(Unit.id)))


async def taken_codes(session: AsyncSession, codes: Collection[str]) -> set[str]:
    """Those of the codes that a unit already has, wherever it stands."""
    return set((await session.exec(select(Unit.code).where(col(Unit.code).in_(codes)))).all())


async def ancestors(session: AsyncSession, unit_id: UUID) -> Sequence[UUID]:
    """The units above a unit, from its parent to the root."""
    above = select(col(Unit.parent_id).label("id")).where(col(Unit.id) == unit_id).cte(recursive=True)
    above = above.union(select(col(Unit.parent_id)).join(above, col(Unit.id) == above.c.id))
    return (await session.scalars(select(above.c.id).where(above.c.id.is_not(None)))).all()
