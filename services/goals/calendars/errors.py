"""What can go wrong with calendars."""

from shared.errors import Conflict, Forbidden, InvalidInput, NotFound


class UnknownCalendar(NotFound):
    """There is no such calendar."""

    code = "unknown_calendar"
    title = "No such calendar"


class CalendarCodeTaken(Conflict):
    """Another calendar has the code."""

    code = "code_taken"
    title = "The code is taken"


class BodyWideOnly(Forbidden):
    """The caller's role is for a part of the body, and this holds for all of it."""

    code = "body_wide_only"
    title = "Only for the whole body"


class UnknownTimeZone(InvalidInput):
    """The IANA data base knows no such time zone."""

    code = "unknown_time_zone"
    title = "No such time zone"
