"""Recording who calls, blocking principals, and giving and withdrawing their roles."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.organisation.domain import check_span
from services.goals.organisation.queries import body_for_update, unit_by_key
from services.goals.organisation.tables import Body
from services.goals.people.domain import ADMINISTRATOR, FOR_SYSTEMS, NewRole, PrincipalKind
from services.goals.people.errors import (
    AlreadyHeld,
    LastAdministrator,
    OnlyForSystems,
    OwnRole,
    PrincipalKnown,
    UnknownPrincipal,
)
from services.goals.people.queries import (
    PEOPLE,
    administrators_of,
    is_held,
    principal_by_id,
    role_assignment_by_id,
    roles_in_force,
)
from services.goals.people.tables import Principal, RoleAssignment
from services.goals.schema import Outbox
from shared.clock import current_time
from shared.contracts import PrincipalChanged, RoleAssignmentChanged
from shared.database import SessionFactory, transaction
from shared.http.assigned import assigned_to
from shared.http.auth import Assigned, Blocked, Caller, Identity, UnitScope, require_whole_body
from shared.http.concurrency import check_version
from shared.http.tokens import reference_to
from shared.ids import new_id
from shared.messaging.outbox import publish
from shared.periods.calendar import FiscalCalendar

_EVERYWHERE = UnitScope(everywhere=True)


async def know_caller(sessions: SessionFactory, identity: Identity) -> Assigned:
    """Whether a caller is blocked, and the roles it was given; a principal that calls for the first time is recorded.

    Others are not told of it: until it is blocked or given a role there is nothing for them to enforce. Whether it is a
    person or a system its token says, whatever it was recorded as.
    """
    now = current_time()
    async with transaction(sessions) as session:
        known = (await session.exec(select(Principal.kind).where(col(Principal.id) == identity.reference))).first()
        if known is None:
            await _record(session, identity.issuer, identity.subject, identity.kind, now)
        elif known != identity.kind:
            await _correct_kind(session, identity, now)
        return await assigned_to(session, PEOPLE, identity.reference, now)


async def register_principal(
    session: AsyncSession, *, issuer: str, subject: str, kind: PrincipalKind, now: datetime
) -> Principal:
    """Record a principal before its first call, so that it can be given roles."""
    if not await _record(session, issuer, subject, kind, now):
        raise PrincipalKnown(
            "This subject of the issuer is a principal already.", facts={"id": str(reference_to(issuer, subject))}
        )
    return await principal_by_id(session, reference_to(issuer, subject), _EVERYWHERE)


async def block_principal(session: AsyncSession, principal_id: UUID, *, caller: Caller, now: datetime) -> Principal:
    """Take a principal everything that its tokens and roles open, in every service, until it is unblocked."""
    body = await _body_held(session, caller, now)
    require_whole_body(caller.scope, body.slug)
    if principal_id == caller.reference:
        raise OwnRole("Nobody blocks themselves; another administrator does.")
    principal = await principal_by_id(session, principal_id, caller.scope, for_update=True)
    if principal.state == "active":
        await _check_one_stays(session, body, now, without_principal=principal_id)
        principal.state = "blocked"
        await _tell_principal(session, principal, actor=caller.actor, now=now)
    return principal


async def unblock_principal(session: AsyncSession, principal_id: UUID, *, caller: Caller, now: datetime) -> Principal:
    """Let a principal in again, with the roles it has."""
    body = await _body_held(session, caller, now)
    require_whole_body(caller.scope, body.slug)
    if principal_id == caller.reference:
        raise OwnRole("Nobody unblocks themselves; another administrator does.")
    principal = await principal_by_id(session, principal_id, caller.scope, for_update=True)
    if principal.state == "blocked":
        principal.state = "active"
        await _tell_principal(session, principal, actor=caller.actor, now=now)
    return principal


async def assign_role(session: AsyncSession, new: NewRole, *, caller: Caller, now: datetime) -> RoleAssignment:
    """Give another principal a role for one of the caller's units and those below it."""
    if new.principal_id == caller.reference:
        raise OwnRole("Nobody gives a role to themselves; another administrator does.")
    body = await _body_held(session, caller, now)
    unit = await unit_by_key(session, new.unit, caller.scope)
    # Whoever may give roles may give them to anybody known: a first role has no unit yet by which to be found.
    principal = (await session.exec(select(Principal).where(col(Principal.id) == new.principal_id))).one_or_none()
    if principal is None:
        raise UnknownPrincipal("There is no principal with this id; record it first, with POST /v1/principals.")
    if new.role in FOR_SYSTEMS and principal.kind != "system":
        raise OnlyForSystems(f"«{new.role}» is for systems: a person reads reports, where small numbers are hidden.")
    valid_from = new.valid_from or _today(body, now)
    check_span(valid_from, new.valid_to)
    if await is_held(session, principal.id, new.role, unit.id, first=valid_from, last=new.valid_to):
        raise AlreadyHeld(f"The principal holds «{new.role}» for «{unit.code}» on some of these days already.")
    assignment = RoleAssignment(
        id=new_id(),
        principal_id=principal.id,
        role=new.role,
        unit_id=unit.id,
        valid_from=valid_from,
        valid_to=new.valid_to,
        granted_by=caller.reference,
        version=1,
    )
    session.add(assignment)
    _tell_assignment(session, assignment, actor=caller.actor, now=now)
    await session.flush()
    return assignment


async def withdraw_role(
    session: AsyncSession, assignment_id: UUID, *, seen: int, caller: Caller, now: datetime
) -> RoleAssignment:
    """End a role at once, in the version that the caller has seen; withdrawn once, it stays so."""
    body = await _body_held(session, caller, now)
    assignment, _ = await role_assignment_by_id(session, assignment_id, caller.scope, for_update=True)
    check_version(seen, assignment.version)
    if not assignment.withdrawn:
        await _check_one_stays(session, body, now, without_assignment=assignment.id)
        _withdraw(session, assignment, actor=caller.actor, now=now)
        await session.flush()
    return assignment


async def appoint_administrator(session: AsyncSession, *, issuer: str, subject: str, now: datetime) -> bool:
    """Make a subject of an issuer an active administrator of the whole body, as only the command line can.

    Gives whether anything had to change: also a principal that was blocked, or lost the role, is let in again.
    """
    body = await body_for_update(session)
    recorded = await _record(session, issuer, subject, "person", now)
    principal = await principal_by_id(session, reference_to(issuer, subject), _EVERYWHERE, for_update=True)
    blocked = principal.state == "blocked"
    if blocked:
        principal.state = "active"
        await _tell_principal(session, principal, actor=None, now=now)
    today = _today(body, now)
    if principal.id in {holder for holder, _ in await administrators_of(session, body.root_unit_id, today)}:
        return recorded or blocked
    assignment = RoleAssignment(
        id=new_id(),
        principal_id=principal.id,
        role=ADMINISTRATOR,
        unit_id=body.root_unit_id,
        valid_from=today,
        version=1,
    )
    session.add(assignment)
    _tell_assignment(session, assignment, actor=None, now=now)
    await session.flush()
    return True


async def _body_held(session: AsyncSession, caller: Caller, now: datetime) -> Body:
    """The body, held until the transaction ends; refuses a caller who was blocked while waiting for it, or just before.

    What is known of a caller is some seconds old at the door: long enough to undo the block that is on its way.
    """
    body = await body_for_update(session)
    if (await assigned_to(session, PEOPLE, caller.reference, now)).blocked:
        raise Blocked("An administrator has blocked you while you were at it.")
    return body


async def _record(session: AsyncSession, issuer: str, subject: str, kind: PrincipalKind, now: datetime) -> bool:
    """Record a principal; gives whether it is new."""
    statement = insert(Principal).values(
        id=reference_to(issuer, subject),
        issuer=issuer,
        subject=subject,
        kind=kind,
        state="active",
        recorded_at=now,
        version=1,
    )
    return (await session.scalars(statement.on_conflict_do_nothing().returning(col(Principal.id)))).first() is not None


async def _correct_kind(session: AsyncSession, identity: Identity, now: datetime) -> None:
    """Take from the token whether it is a person or a system; a person keeps no role that is for systems."""
    await body_for_update(session)  # whoever gives a role looks at the kind while holding it
    principal = await principal_by_id(session, identity.reference, _EVERYWHERE, for_update=True)
    if principal.kind == identity.kind:
        return
    principal.kind = identity.kind
    await _tell_principal(session, principal, actor=None, now=now)
    if principal.kind == "system":
        return
    for assignment in await roles_in_force(session, principal.id, FOR_SYSTEMS):
        _withdraw(session, assignment, actor=None, now=now)


async def _check_one_stays(
    session: AsyncSession,
    body: Body,
    now: datetime,
    *,
    without_principal: UUID | None = None,
    without_assignment: UUID | None = None,
) -> None:
    """Refuse to take away the last administrator of the whole body; who asks holds the body's row."""
    before = await administrators_of(session, body.root_unit_id, _today(body, now))
    after = {each for each in before if each[0] != without_principal and each[1] != without_assignment}
    if before and not after:
        raise LastAdministrator(
            "Nobody else is administrator of the whole body without an end: give another principal that role first."
        )


def _today(body: Body, now: datetime) -> date:
    return FiscalCalendar(time_zone=body.time_zone).day_of(now)


async def _tell_principal(session: AsyncSession, principal: Principal, *, actor: str | None, now: datetime) -> None:
    principal.version += 1
    changed = PrincipalChanged(principal_id=principal.id, principal_kind=principal.kind, state=principal.state)
    publish(session, Outbox, changed, subject=principal.id, subject_version=principal.version, actor=actor, now=now)
    await session.flush()


def _withdraw(session: AsyncSession, assignment: RoleAssignment, *, actor: str | None, now: datetime) -> None:
    assignment.withdrawn = True
    assignment.version += 1
    _tell_assignment(session, assignment, actor=actor, now=now)


def _tell_assignment(session: AsyncSession, assignment: RoleAssignment, *, actor: str | None, now: datetime) -> None:
    changed = RoleAssignmentChanged(
        role_assignment_id=assignment.id,
        principal_id=assignment.principal_id,
        role=assignment.role,
        unit_id=assignment.unit_id,
        valid_from=assignment.valid_from,
        valid_to=assignment.valid_to,
        withdrawn=assignment.withdrawn,
    )
    publish(session, Outbox, changed, subject=assignment.id, subject_version=assignment.version, actor=actor, now=now)
