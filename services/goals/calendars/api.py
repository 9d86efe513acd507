"""Fiscal calendars over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from services.goals.calendars import operations, queries
from services.goals.calendars.tables import Calendar
from services.goals.permissions import CalendarReader, CalendarWriter
from services.goals.schema import LogHead
from shared.http.concurrency import set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.models import Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import tell_version
from shared.ids import Code, Key
from shared.periods.calendar import FiscalCalendar, LabelRule
from shared.texts import Text

router = APIRouter(prefix="/v1/calendars", tags=["calendars"], route_class=IdempotentRoute)


class CalendarIn(Strict):
    """A calendar to be added."""

    code: Code
    name: Text
    start_month: int = Field(ge=1, le=12, description="The first month of the year", examples=[4])
    label_rule: LabelRule = Field(
        default="both_years", description="What a year is called that begins in April 2018: 2018, 2019 or 2018/19"
    )
    time_zone: Annotated[str, StringConstraints(max_length=64)] = Field(examples=["Europe/London"])


class CalendarOut(BaseModel):
    """A fiscal calendar; it never changes, since periods are understood with it."""

    id: UUID
    code: str
    name: Text
    start_month: int
    label_rule: LabelRule
    time_zone: str
    version: int


class CalendarFilters(PageSettings):
    """How calendars are listed."""

    sort: str | None = sorted_by("code")


@router.get("", responses=READS)
async def list_calendars(
    query: Annotated[CalendarFilters, Query()],
    _: CalendarReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[CalendarOut]:
    """Every calendar, by code."""
    calendars, following = await queries.list_calendars(session, query)
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(calendar) for calendar in calendars], next=following)


@router.get("/{key}", responses=READS)
async def get_calendar(key: Key, _: CalendarReader, session: Reading, response: Response) -> CalendarOut:
    """One calendar, by id or code."""
    calendar = await queries.calendar_by_key(session, key)
    set_etag(response, calendar.version)
    return _out(calendar)


@router.post("", status_code=201, responses=WRITES)
async def create_calendar(
    body: CalendarIn, caller: CalendarWriter, session: Session, now: Now, response: Response
) -> CalendarOut:
    """Add a calendar for indicators to count by."""
    calendar = await operations.create_calendar(
        session,
        code=body.code,
        name=body.name,
        fiscal=FiscalCalendar(body.start_month, body.label_rule, body.time_zone),
        language=await queries.body_wide_language(session, caller.scope),
        actor=caller.actor,
        now=now,
    )
    response.headers["Location"] = f"/v1/calendars/{calendar.code}"
    tell_version(response, "goals", calendar.id, calendar.version)
    return _out(calendar)


def _out(calendar: Calendar) -> CalendarOut:
    return CalendarOut.model_validate(calendar, from_attributes=True)
