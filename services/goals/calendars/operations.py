"""Adding calendars; a calendar never changes, since periods are understood with it."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.calendars.domain import check_time_zone
from services.goals.calendars.tables import Calendar
from services.goals.schema import Outbox
from shared.contracts import CalendarChanged
from shared.errors import CodeTaken
from shared.ids import new_id
from shared.messaging.outbox import publish
from shared.periods.calendar import FiscalCalendar
from shared.texts import check_language


async def create_calendar(
    session: AsyncSession,
    *,
    code: str,
    name: dict[str, str],
    fiscal: FiscalCalendar,
    language: str,
    actor: str | None,
    now: datetime,
) -> Calendar:
    """Add a calendar; nothing counts by it until an indicator does."""
    check_language(language, name=name)
    check_time_zone(fiscal.time_zone)
    calendar = Calendar(
        id=new_id(),
        code=code,
        name=name,
        start_month=fiscal.start_month,
        label_rule=fiscal.label_rule,
        time_zone=fiscal.time_zone,
        version=1,
    )
    session.add(calendar)
    try:
        await session.flush()
    except IntegrityError as error:
        raise CodeTaken(f"There is a calendar «{code}» already.") from error
    changed = CalendarChanged(
        calendar_id=calendar.id,
        code=code,
        name=name,
        start_month=fiscal.start_month,
        label_rule=fiscal.label_rule,
        time_zone=fiscal.time_zone,
    )
    publish(session, Outbox, changed, subject=calendar.id, subject_version=1, actor=actor, now=now)
    return calendar
