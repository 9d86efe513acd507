"""Finding units in their tree, and indicators with their calendars.

What each scorecard needs has a statement that is made once: making one costs more than sending it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, literal, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.domain import Days, searchable
from services.reporting.directory.errors import NothingKnownYet, UnitNotFound
from services.reporting.directory.tables import (
    Assignment,
    Body,
    Calendar,
    Indicator,
    Principal,
    RoleAssignment,
    Survey,
    Unit,
)
from shared.clock import current_time
from shared.database import SessionFactory, transaction
from shared.http.assigned import People, assigned_to
from shared.http.auth import Assigned, Identity, UnitScope
from shared.http.scopes import within
from shared.ids import as_id

DEEPEST_TREE = 32
"""Moves that arrive out of order can close the tree to a ring for a moment: no walk upwards is longer than this."""
STATES = (Body, Unit, Calendar, Indicator, Assignment, Survey, Principal, RoleAssignment)
PEOPLE = People(Principal, RoleAssignment, Unit, Body)


async def the_body(session: AsyncSession) -> Body:
    """The body of this deployment."""
    body = (await session.exec(_BODY)).first()
    if body is None:
        raise NothingKnownYet("The events of goals have not arrived yet.")
    return body


async def unit_by_key(session: AsyncSession, key: str) -> Unit:
    """The unit with an id or a code."""
    statement, parameters = by_key(_UNITS, key)
    unit: Unit | None = (await session.exec(statement, params=parameters)).first()
    if unit is None:
        raise UnitNotFound(f"There is no unit «{key}».")
    return unit


def has_key(table: type[Unit] | type[Indicator], key: str) -> ColumnElement[bool]:
    """The condition that a row has this id or code."""
    found = as_id(key)
    return col(table.code) == key if found is None else col(table.id) == found


def by_key(statements: Mapping[bool, Any], key: str) -> tuple[Any, dict[str, Any]]:
    """Of statements with a parameter `key`, the one for ids (True) or the one for codes, and what it is given."""
    found = as_id(key)
    return statements[found is not None], {"key": key if found is None else found}


async def parents_of(session: AsyncSession, unit: Unit) -> list[Unit]:
    """The units above, from the root down to the unit's own parent."""
    return list(await session.exec(_PARENTS, params={"unit": unit.id}))


async def children_of(session: AsyncSession, unit_id: UUID) -> list[Unit]:
    """The units directly below, by code."""
    return list(await session.exec(_CHILDREN, params={"unit": unit_id}))


async def units_by_id(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Unit]:
    """The units with these ids, as far as they are known."""
    if not ids:
        return {}
    return {unit.id: unit for unit in await session.exec(select(Unit).where(col(Unit.id).in_(ids)))}


def may_see(scope: UnitScope | None, unit_id: Any) -> ColumnElement[bool]:
    """The condition that a reader may see an indicator of a unit: it is open, or the unit lies in the scope."""
    return or_(col(Indicator.disclosure_class) == "open", within(Unit, scope, unit_id))


def matching(q: str) -> ColumnElement[bool]:
    """The condition that a part of a unit's name or code is `q`, whatever its case and accents."""
    return col(Unit.search).contains(searchable(q), autoescape=True)


async def surveys_feeding(session: AsyncSession, indicator_ids: Sequence[UUID]) -> dict[UUID, list[Survey]]:
    """The surveys whose questions feed each indicator; drafts are nobody's to know of yet."""
    found: dict[UUID, list[Survey]] = {}
    for survey in await session.exec(_FEEDING, params={"fed": [str(each) for each in indicator_ids]}):
        for indicator_id in survey.indicator_ids:
            found.setdefault(UUID(indicator_id), []).append(survey)
    return found


def overlaps(assignment: Assignment | Days, first: date, last: date) -> bool:
    """Whether an assignment holds on some day of a period."""
    return assignment.valid_from <= last and (assignment.valid_to is None or assignment.valid_to >= first)


async def is_known(session: AsyncSession, aggregate_id: UUID, version: int) -> bool:
    """Whether a state of at least this version is here, whatever kind of thing it is of."""
    return bool((await session.exec(_IS_KNOWN, params={"aggregate_id": aggregate_id, "least": version})).one())


def _parents() -> Any:
    unit = select(Unit.id, Unit.parent_id, literal(0).label("depth")).where(col(Unit.id) == bindparam("unit"))
    up = unit.cte(recursive=True)
    up = up.union_all(
        select(Unit.id, Unit.parent_id, up.c.depth + 1)
        .join(up, up.c.parent_id == Unit.id)
        .where(up.c.depth < DEEPEST_TREE)
    )
    return select(Unit).join(up, up.c.id == Unit.id).where(up.c.depth > 0).order_by(up.c.depth.desc())


def _is_known() -> Any:
    of_it = [
        select(literal(1)).where(col(table.id) == bindparam("aggregate_id"), col(table.version) >= bindparam("least"))
        for table in STATES
    ]
    return select(or_(*(each.exists() for each in of_it)))


_BODY = select(Body).limit(1)
_UNITS = {
    is_id: select(Unit).where(column == bindparam("key")).order_by(col(Unit.id)).limit(1)
    for is_id, column in ((True, col(Unit.id)), (False, col(Unit.code)))
}
_PARENTS = _parents()
_CHILDREN = select(Unit).where(col(Unit.parent_id) == bindparam("unit")).order_by(col(Unit.code))
_FED: Any = col(Survey.indicator_ids)
_FEEDING = (
    select(Survey)
    .where(_FED.has_any(bindparam("fed", type_=ARRAY(Text))), Survey.state != "draft")
    .order_by(col(Survey.code))
)
_IS_KNOWN = _is_known()


async def known_of(sessions: SessionFactory, identity: Identity) -> Assigned:
    """Whether a caller is blocked, and the roles it was given, as goals has told."""
    async with transaction(sessions) as session:
        return await assigned_to(session, PEOPLE, identity.reference, current_time())
