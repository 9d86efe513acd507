"""Reading calendars."""

from sqlalchemy import column, table
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.goals.calendars.errors import UnknownCalendar
from services.goals.calendars.tables import Calendar
from shared.ids import as_id

# The body belongs to organisation, which stands above because it founds a body together with its first calendar.
_BODY = table("body", column("default_language"), schema="goals")


def calendars() -> SelectOfScalar[Calendar]:
    """Every calendar."""
    return select(Calendar)


async def calendar_by_key(session: AsyncSession, key: str) -> Calendar:
    """The calendar with an id or a code."""
    identifier = as_id(key)
    wanted = col(Calendar.id) == identifier if identifier else col(Calendar.code) == key
    calendar = (await session.exec(select(Calendar).where(wanted))).one_or_none()
    if calendar is None:
        raise UnknownCalendar(f"There is no calendar «{key}».")
    return calendar


async def default_language(session: AsyncSession) -> str:
    """The language that every text of the body must have."""
    language: str = (await session.scalars(select(_BODY.c.default_language))).one()
    return language
