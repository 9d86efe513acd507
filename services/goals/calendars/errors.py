"""What can go wrong with calendars."""

from shared.errors import InvalidInput, NotFound


class UnknownCalendar(NotFound):
    """There is no such calendar."""

    code = "unknown_calendar"
    title = "No such calendar"


class UnknownTimeZone(InvalidInput):
    """The IANA data base knows no such time zone."""

    code = "unknown_time_zone"
    title = "No such time zone"
