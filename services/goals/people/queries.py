"""Reading principals and their roles, inside a caller's units."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from services.goals.organisation.tables import Body, Unit
from services.goals.people.domain import ADMINISTRATOR, PrincipalKind, PrincipalState, Role
from services.goals.people.errors import UnknownPrincipal, UnknownRoleAssignment
from services.goals.people.tables import Principal, RoleAssignment
from shared.http.assigned import People
from shared.http.auth import UnitScope
from shared.http.pages import PageSettings, page
from shared.http.scopes import within

PEOPLE = People(Principal, RoleAssignment, Unit, Body)
"""Where goals keeps what decides about a caller."""


async def list_principals(
    session: AsyncSession,
    query: PageSettings,
    scope: UnitScope,
    *,
    kind: PrincipalKind | None = None,
    state: PrincipalState | None = None,
    issuer: str | None = None,
    subject: str | None = None,
) -> tuple[Sequence[Principal], str | None]:
    """The principals that a caller may see, and where the next page begins."""
    asked = {Principal.kind: kind, Principal.state: state, Principal.issuer: issuer, Principal.subject: subject}
    wanted = select(Principal).where(_seen_by(scope))
    wanted = wanted.where(*(col(column) == value for column, value in asked.items() if value is not None))
    return await page(
        session,
        wanted,
        query,
        sortable={"recorded_at": col(Principal.recorded_at), "subject": col(Principal.subject)},
        default_sort=[col(Principal.issuer), col(Principal.subject)],
    )


async def principal_by_id(
    session: AsyncSession, principal_id: UUID, scope: UnitScope, *, for_update: bool = False
) -> Principal:
    """A principal that the caller may see: one with a role among its units, or any for a caller of the whole body."""
    query = select(Principal).where(col(Principal.id) == principal_id, _seen_by(scope))
    if for_update:
        query = query.with_for_update(key_share=True)
    principal = (await session.exec(query)).one_or_none()
    if principal is None:
        raise UnknownPrincipal("There is no such principal, or none with a role among your units.")
    return principal


def _seen_by(scope: UnitScope) -> ColumnElement[bool]:
    if scope.everywhere:
        return true()
    held = select(RoleAssignment.id).where(
        col(RoleAssignment.principal_id) == col(Principal.id), within(Unit, scope, col(RoleAssignment.unit_id))
    )
    return held.exists()


async def list_role_assignments(
    session: AsyncSession,
    query: PageSettings,
    scope: UnitScope,
    *,
    principal_id: UUID | None = None,
    role: Role | None = None,
    unit_id: UUID | None = None,
) -> tuple[Sequence[tuple[RoleAssignment, str]], str | None]:
    """The roles given for the caller's units, each with the unit's code, and where the next page begins."""
    wanted = _role_assignments(scope)
    if principal_id is not None:
        wanted = wanted.where(col(RoleAssignment.principal_id) == principal_id)
    if role is not None:
        wanted = wanted.where(col(RoleAssignment.role) == role)
    if unit_id is not None:
        wanted = wanted.where(col(RoleAssignment.unit_id) == unit_id)
    sortable = {"role": col(RoleAssignment.role), "unit": col(Unit.code), "valid_from": col(RoleAssignment.valid_from)}
    rows, following = await page(
        session, wanted, query, sortable=sortable, default_sort=[col(Unit.code), col(RoleAssignment.id)]
    )
    return [(assignment, unit) for assignment, unit in rows], following


async def role_assignment_by_id(
    session: AsyncSession, assignment_id: UUID, scope: UnitScope, *, for_update: bool = False
) -> tuple[RoleAssignment, str]:
    """A role given for one of the caller's units, with the unit's code."""
    query = _role_assignments(scope).where(col(RoleAssignment.id) == assignment_id)
    if for_update:
        query = query.with_for_update(key_share=True, of=RoleAssignment)
    row = (await session.exec(query)).one_or_none()
    if row is None:
        raise UnknownRoleAssignment("There is no such role assignment among your units.")
    return row


def _role_assignments(scope: UnitScope) -> Select[RoleAssignment, str]:
    return (
        select(RoleAssignment, Unit.code)
        .join(Unit, col(Unit.id) == col(RoleAssignment.unit_id))
        .where(within(Unit, scope, col(RoleAssignment.unit_id)))
    )


async def is_held(
    session: AsyncSession, principal_id: UUID, role: Role, unit_id: UUID, *, first: date, last: date | None
) -> bool:
    """Whether a principal holds a role for a unit on some day of a span."""
    query = select(RoleAssignment.id).where(
        col(RoleAssignment.principal_id) == principal_id,
        col(RoleAssignment.role) == role,
        col(RoleAssignment.unit_id) == unit_id,
        ~col(RoleAssignment.withdrawn),
        or_(col(RoleAssignment.valid_to).is_(None), col(RoleAssignment.valid_to) >= first),
    )
    if last is not None:
        query = query.where(col(RoleAssignment.valid_from) <= last)
    return (await session.exec(query.limit(1))).first() is not None


async def roles_in_force(session: AsyncSession, principal_id: UUID, roles: Collection[Role]) -> list[RoleAssignment]:
    """What a principal holds of these roles, whatever the day, locked in the order of their ids."""
    query = (
        select(RoleAssignment)
        .where(
            col(RoleAssignment.principal_id) == principal_id,
            col(RoleAssignment.role).in_(roles),
            ~col(RoleAssignment.withdrawn),
        )
        .order_by(col(RoleAssignment.id))
        .with_for_update(key_share=True)
    )
    return list(await session.exec(query))


async def administrators_of(session: AsyncSession, root_id: UUID, today: date) -> set[tuple[UUID, UUID]]:
    """Principal and assignment of every active administrator of the whole body whose role has no end."""
    query = (
        select(RoleAssignment.principal_id, RoleAssignment.id)
        .join(Principal, col(Principal.id) == col(RoleAssignment.principal_id))
        .where(
            col(Principal.state) == "active",
            col(RoleAssignment.role) == ADMINISTRATOR,
            col(RoleAssignment.unit_id) == root_id,
            ~col(RoleAssignment.withdrawn),
            col(RoleAssignment.valid_from) <= today,
            col(RoleAssignment.valid_to).is_(None),
        )
    )
    return set((await session.exec(query)).all())
