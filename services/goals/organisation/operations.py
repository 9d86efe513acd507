"""Founding the body, and adding, moving and ending units."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.operations import create_calendar
from services.goals.organisation.domain import SINCE_EVER, NewUnit, UnitChange, check_span
from services.goals.organisation.errors import (
    AnotherBody,
    RootStays,
    TreeWouldBeCyclic,
    UnknownUnit,
)
from services.goals.organisation.queries import (
    ancestors,
    body_for_update,
    taken_codes,
    unit_by_key,
    units_by_key,
)
from services.goals.organisation.tables import Body, Unit
from services.goals.recalculation.domain import Touched
from services.goals.recalculation.operations import mark_all_dirty
from services.goals.schema import Outbox
from shared.contracts import BodyChanged, UnitChanged
from shared.errors import CodeTaken, ServiceError
from shared.http.auth import UnitScope
from shared.http.concurrency import check_version
from shared.ids import new_id
from shared.messaging.outbox import Cause, publish
from shared.periods.calendar import FiscalCalendar
from shared.texts import check_language, merged


async def establish_body(
    session: AsyncSession,
    *,
    slug: str,
    name: dict[str, str],
    language: str,
    time_zone: str,
    start_month: int,
    now: datetime,
) -> Body:
    """Found the body with its root unit and its first calendar, `main`; a second time it gives the body there is."""
    # No row exists yet that two founders could both lock.
    await session.execute(text("lock table goals.body in share row exclusive mode"))
    body = (await session.exec(select(Body))).one_or_none()
    if body is not None:
        if body.slug != slug:
            raise AnotherBody(f"This deployment serves the body «{body.slug}», and one deployment serves one body.")
        return body
    check_language(language, name=name)
    await create_calendar(
        session,
        code="main",
        name=name,
        fiscal=FiscalCalendar(start_month=start_month, time_zone=time_zone),
        language=language,
        actor=None,
        now=now,
    )
    root = Unit(id=new_id(), code=slug, name=name, level="body", valid_from=SINCE_EVER, version=1)
    session.add(root)
    await session.flush()
    body = Body(
        id=new_id(),
        slug=slug,
        name=name,
        default_language=language,
        time_zone=time_zone,
        root_unit_id=root.id,
        version=1,
    )
    session.add(body)
    changed = BodyChanged(
        body_id=body.id,
        slug=slug,
        name=name,
        default_language=language,
        time_zone=time_zone,
        root_unit_id=root.id,
    )
    publish(session, Outbox, changed, subject=body.id, subject_version=1, now=now)
    _tell(session, root, actor=None, now=now)
    await session.flush()
    return body


async def create_unit(
    session: AsyncSession, new: NewUnit, *, scope: UnitScope, actor: str | None, now: datetime
) -> Unit:
    """Add a unit below one of the caller's."""
    (created,) = await create_units(session, [new], scope=scope, actor=actor, now=now)
    if isinstance(created, ServiceError):
        raise created
    return created


async def create_units(
    session: AsyncSession, new: Sequence[NewUnit], *, scope: UnitScope, actor: str | None, now: datetime
) -> Sequence[Unit | ServiceError]:
    """Add several units, each below one of the caller's or one further up in the list; gives a unit or the reason."""
    body = await body_for_update(session)
    known = await units_by_key(session, {one.parent for one in new}, scope)
    taken = await taken_codes(session, {one.code for one in new})
    outcomes: list[Unit | ServiceError] = []
    for one in new:
        try:
            unit = _new_unit(one, known.get(one.parent), taken, body.default_language)
        except ServiceError as error:
            outcomes.append(error)
            continue
        taken.add(unit.code)
        known |= {unit.code: unit, str(unit.id): unit}
        session.add(unit)
        _tell(session, unit, actor=actor, now=now)
        outcomes.append(unit)
    await session.flush()
    return outcomes


async def change_unit(
    session: AsyncSession,
    key: str,
    change: UnitChange,
    *,
    seen: int,
    scope: UnitScope,
    actor: str | None,
    now: datetime,
) -> Unit:
    """Rename, move or end the unit whose version the caller has seen; what it adds to and added to is computed anew."""
    body = await body_for_update(session)
    unit = await unit_by_key(session, key, scope, for_update=True)
    check_version(seen, unit.version)
    is_root = unit.id == body.root_unit_id
    touched: set[UUID] = set()
    if "name" in change:
        unit.name = merged(unit.name, change["name"])
        check_language(body.default_language, name=unit.name)
    unit.level = change.get("level", unit.level)
    if "parent" in change:
        touched |= await _move(session, unit, change["parent"], is_root=is_root, scope=scope)
    if "valid_from" in change or "valid_to" in change:
        if is_root:
            raise RootStays("The root unit is valid for as long as the body is.")
        unit.valid_from = change.get("valid_from", unit.valid_from)
        unit.valid_to = change.get("valid_to", unit.valid_to)
        check_span(unit.valid_from, unit.valid_to)
        touched |= {unit.id, *await ancestors(session, unit.id)}
    unit.version += 1
    event_id = _tell(session, unit, actor=actor, now=now)
    await mark_all_dirty(session, [Touched(unit_id=one) for one in sorted(touched)], cause=Cause(event_id, 0))
    await session.flush()
    return unit


async def _move(session: AsyncSession, unit: Unit, parent_key: str, *, is_root: bool, scope: UnitScope) -> set[UUID]:
    if is_root:
        raise RootStays("The root unit has no parent.")
    parent = await unit_by_key(session, parent_key, scope)
    above = {parent.id, *await ancestors(session, parent.id)}
    if unit.id in above:
        raise TreeWouldBeCyclic(f"«{parent.code}» is, or stands below, «{unit.code}».")
    before = await ancestors(session, unit.id)
    unit.parent_id = parent.id
    return {unit.id, *before, *above}


def _new_unit(new: NewUnit, parent: Unit | None, taken: set[str], language: str) -> Unit:
    if parent is None:
        raise UnknownUnit(f"There is no unit «{new.parent}» among yours.")
    if new.code in taken:
        raise CodeTaken(f"There is a unit «{new.code}» already; codes are never used twice.")
    check_language(language, name=new.name)
    valid_from = new.valid_from or parent.valid_from
    check_span(valid_from, new.valid_to)
    return Unit(
        id=new_id(),
        code=new.code,
        name=new.name,
        parent_id=parent.id,
        level=new.level,
        valid_from=valid_from,
        valid_to=new.valid_to,
        version=1,
    )


def _tell(session: AsyncSession, unit: Unit, *, actor: str | None, now: datetime) -> UUID:
    changed = UnitChanged(
        unit_id=unit.id,
        code=unit.code,
        name=unit.name,
        parent_id=unit.parent_id,
        level=unit.level,
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
    )
    return publish(session, Outbox, changed, subject=unit.id, subject_version=unit.version, actor=actor, now=now)
