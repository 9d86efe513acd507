"""Reading calendars."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import column, table
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.errors import UnknownCalendar
from services.goals.calendars.tables import Calendar
from shared.http.auth import UnitScope, require_whole_body
from shared.http.pages import PageSettings, page
from shared.ids import as_id
from shared.periods.calendar import FiscalCalendar

# The body belongs to organisation, which stands above because it founds a body together with its first calendar.
_BODY = table("body", column("slug"), column("default_language"), schema="goals")


async def list_calendars(session: AsyncSession, query: PageSettings) -> tuple[Sequence[Calendar], str | None]:
    """Every calendar, and where the next page begins."""
    code = col(Calendar.code)
    return await page(session, select(Calendar), query, sortable={"code": code}, default_sort=[code])


async def fiscal_calendars(session: AsyncSession) -> dict[UUID, FiscalCalendar]:
    """Every calendar as one that computes; there are few."""
    return {calendar.id: calendar.fiscal() for calendar in (await session.exec(select(Calendar))).all()}


async def calendar_by_key(session: AsyncSession, key: str) -> Calendar:
    """The calendar with an id or a code."""
    identifier = as_id(key)
    wanted = col(Calendar.id) == identifier if identifier else col(Calendar.code) == key
    calendar = (await session.exec(select(Calendar).where(wanted))).one_or_none()
    if calendar is None:
        raise UnknownCalendar(f"There is no calendar «{key}».")
    return calendar


async def body_wide_language(session: AsyncSession, scope: UnitScope) -> str:
    """The language that the body's texts must have, for a caller whose units are the whole body; refuses others.

    Calendars and indicators belong to no unit: they are the same for all.
    """
    slug, language = (await session.execute(select(_BODY.c.slug, _BODY.c.default_language))).one()
    require_whole_body(scope, slug)
    return str(language)
