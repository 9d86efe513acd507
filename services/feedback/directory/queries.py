"""Finding units and indicators by id or code, inside a caller's units."""

from uuid import UUID

from sqlalchemy import literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.errors import BodyUnknown, UnknownHere
from services.feedback.directory.tables import Body, Indicator, Principal, RoleAssignment, Unit
from shared.clock import current_time
from shared.database import SessionFactory, transaction
from shared.errors import NotFound
from shared.http.assigned import People, assigned_to
from shared.http.auth import Assigned, Identity, UnitScope
from shared.http.scopes import within
from shared.ids import as_id

PEOPLE = People(Principal, RoleAssignment, Unit, Body)


async def the_body(session: AsyncSession) -> Body:
    """The body of this deployment."""
    body = (await session.exec(select(Body))).first()
    if body is None:
        raise BodyUnknown("Goals has not told of the body yet; try again in a moment.")
    return body


async def unit_by_key(session: AsyncSession, key: str, scope: UnitScope) -> Unit:
    """The unit with an id or code, if the caller may act for it; a foreign one is not told from none."""
    id_ = as_id(key)
    wanted = col(Unit.id) == id_ if id_ else col(Unit.code) == key
    unit = (await session.exec(select(Unit).where(wanted, within(Unit, scope, col(Unit.id))))).first()
    if unit is None:
        raise NotFound(f"There is no unit {key}, or not for you.")
    return unit


async def is_within(session: AsyncSession, unit_id: UUID, scope: UnitScope) -> bool:
    """Whether a unit lies in a scope."""
    return (await session.exec(select(within(Unit, scope, literal(unit_id))))).one()


async def find_indicators(session: AsyncSession, keys: set[str]) -> dict[str, Indicator]:
    """The indicators with these ids or codes, by key; all of them, or an error that names the first one missing."""
    ids = {id_ for key in keys if (id_ := as_id(key))}
    found = await session.exec(select(Indicator).where(col(Indicator.id).in_(ids) | col(Indicator.code).in_(keys)))
    by_key = {}
    for indicator in found:
        by_key[str(indicator.id)] = by_key[indicator.code] = indicator
    result = {}
    for key in sorted(keys):
        name = str(as_id(key) or key)
        if name not in by_key:
            raise UnknownHere(f"There is no indicator {key} here. If goals has just made it, send Steward-After.")
        result[key] = by_key[name]
    return result


async def codes_of_units(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    """The codes of units, by id."""
    rows = await session.exec(select(Unit.id, Unit.code).where(col(Unit.id).in_(ids)))
    return dict(rows.all())


async def is_applied(session: AsyncSession, aggregate: UUID, version: int) -> bool:
    """Whether the copy of something in goals is at least as new as a version."""
    for table in (Unit, Indicator, Body, Principal, RoleAssignment):
        held = (await session.exec(select(table.version).where(table.id == aggregate))).first()
        if held is not None:
            return held >= version
    return False


async def known_of(sessions: SessionFactory, identity: Identity) -> Assigned:
    """Whether a caller is blocked, and the roles it was given, as goals has told."""
    async with transaction(sessions) as session:
        return await assigned_to(session, PEOPLE, identity.reference, current_time())
