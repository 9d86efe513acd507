"""Keeping the newest state of what the other services own."""

from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.domain import searchable
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
from shared.contracts import (
    AssignmentChanged,
    BodyChanged,
    CalendarChanged,
    IndicatorChanged,
    PrincipalChanged,
    RoleAssignmentChanged,
    SurveyChanged,
    UnitChanged,
)
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
            "search": searchable(unit.code, *unit.name.values()),
            "sorting": {language: searchable(name) for language, name in unit.name.items()},
            "version": version,
        }
        for version, unit in states
    ]
    await keep_newest(session, Unit, rows)


async def keep_calendars(session: AsyncSession, states: Versioned[CalendarChanged]) -> None:
    """Keep calendars as their newest versions say."""
    rows = [
        {
            "id": calendar.calendar_id,
            "code": calendar.code,
            "name": calendar.name,
            "start_month": calendar.start_month,
            "label_rule": calendar.label_rule,
            "time_zone": calendar.time_zone,
            "version": version,
        }
        for version, calendar in states
    ]
    await keep_newest(session, Calendar, rows)


async def keep_indicators(session: AsyncSession, states: Versioned[IndicatorChanged]) -> None:
    """Keep indicators as their newest versions say."""
    rows = [
        {
            "id": indicator.indicator_id,
            "code": indicator.code,
            "name": indicator.name,
            "definition": indicator.definition,
            "notice": indicator.notice,
            "direction": indicator.direction,
            "unit_of_measure": indicator.unit_of_measure,
            "decimals": indicator.decimals,
            "ratio_numerator": indicator.ratio.numerator if indicator.ratio else None,
            "ratio_denominator": indicator.ratio.denominator if indicator.ratio else None,
            "ratio_factor": indicator.ratio.factor if indicator.ratio else None,
            "aggregation_over_time": indicator.aggregation_over_time,
            "aggregation_over_units": indicator.aggregation_over_units,
            "disclosure_class": indicator.disclosure_class,
            "calendar_id": indicator.calendar_id,
            "frequency": indicator.frequency,
            "version": version,
        }
        for version, indicator in states
    ]
    await keep_newest(session, Indicator, rows)


async def keep_assignments(session: AsyncSession, states: Versioned[AssignmentChanged]) -> None:
    """Keep assignments as their newest versions say."""
    rows = [
        {
            "id": assignment.assignment_id,
            "indicator_id": assignment.indicator_id,
            "unit_id": assignment.unit_id,
            "valid_from": assignment.valid_from,
            "valid_to": assignment.valid_to,
            "version": version,
        }
        for version, assignment in states
    ]
    await keep_newest(session, Assignment, rows)


async def keep_surveys(session: AsyncSession, states: Versioned[SurveyChanged]) -> None:
    """Keep surveys as their newest versions say."""
    rows = [
        {
            "id": survey.survey_id,
            "code": survey.code,
            "title": survey.title,
            "notice": survey.notice,
            "state": survey.state,
            "indicator_ids": sorted({str(question.indicator_id) for question in survey.scored}),
            "version": version,
        }
        for version, survey in states
    ]
    await keep_newest(session, Survey, rows)


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
