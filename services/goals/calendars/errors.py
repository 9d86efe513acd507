"""What can go wrong with calendars."""

from shared.errors import Conflict, NotFound


class UnknownCalendar(NotFound):
    """There is no such calendar."""

    code = "unknown_calendar"
    title = "No such calendar"


class CalendarCodeTaken(Conflict):
    """Another calendar has the code."""

    code = "code_taken"
    title = "The code is taken"
