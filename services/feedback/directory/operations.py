"""Keeping the newest state of what goals owns."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.tables import Body, Indicator, Principal, RoleAssignment, Unit
from shared.contracts import BodyChanged, IndicatorChanged, PrincipalChanged, RoleAssignmentChanged, UnitChanged
from shared.messaging.handlers import Versioned
from shared.upserts import keep_newest


async def keep_bodies(session: AsyncSession, states: Versioned[BodyChanged]) -> None:
    """Keep the body as its newest version says."""
    rows = [
        {
            "id": body.body_id,
            "slug": body.slug,
            "name": body.name,
            "default_language": body.default_language,
            "time_zone": body.time_zone,
            "root_unit_id": body.root_unit_id,
            "version": version,
        }
        for version, body in states
    ]
    await keep_newest(session, Body, rows)


async def keep_units(session: AsyncSession, states: Versioned[UnitChanged]) -> None:
    """Keep units as their newest versions say."""
    rows = [
        {
            "id": unit.unit_id,
            "code": unit.code,
            "name": unit.name,
            "parent_id": unit.parent_id,
            "level": unit.level,
            "valid_from": unit.valid_from,
            "valid_to": unit.valid_to,
            "version": version,
        }
        for version, unit in states
    ]
    await keep_newest(session, Unit, rows)


async def keep_indicators(session: AsyncSession, states: Versioned[IndicatorChanged]) -> None:
    """Keep of each indicator what a survey that feeds it must know, as its newest version says."""
    rows = [
        {
            "id": indicator.indicator_id,
            "code": indicator.code,
            "name": indicator.name,
            "disclosure_class": indicator.disclosure_class,
            "frequency": indicator.frequency,
            "decimals": indicator.decimals,
            "is_ratio": indicator.ratio is not None,
            "version": version,
        }
        for version, indicator in states
    ]
    await keep_newest(session, Indicator, rows)


async def keep_principals(session: AsyncSession, states: Versioned[PrincipalChanged]) -> None:
    """Keep principals as their newest versions say."""
    rows = [
        {"id": told.principal_id, "kind": told.principal_kind, "state": told.state, "version": version}
        for version, told in states
    ]
    await keep_newest(session, Principal, rows)


async def keep_role_assignments(session: AsyncSession, states: Versioned[RoleAssignmentChanged]) -> None:
    """Keep the roles that principals were given as their newest versions say."""
    rows = [
        {**told.model_dump(exclude={"role_assignment_id"}), "id": told.role_assignment_id, "version": version}
        for version, told in states
    ]
    await keep_newest(session, RoleAssignment, rows)
