"""Rules about calendars, as pure values."""

from zoneinfo import available_timezones

from services.goals.calendars.errors import UnknownTimeZone
from shared.errors import FieldError


def check_time_zone(name: str) -> None:
    """Refuse a time zone that the IANA data base does not know."""
    if name not in available_timezones():
        raise UnknownTimeZone(
            "There is no such time zone.", [FieldError("/time_zone", "an IANA time zone, such as Europe/London", name)]
        )
