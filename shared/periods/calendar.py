"""Reporting periods as calendar objects: a frequency and a first day, understood with a fiscal calendar."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Frequency = Literal["month", "quarter", "year", "record"]
LabelRule = Literal["start_year", "end_year", "both_years"]
MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Nothing is measured before or planned after: a year like 219 is a slip, and all periods since would be missing."""


class NotAPeriod(ValueError):
    """The day is not the first one of a period of this frequency in this calendar."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A stretch of the calendar; `record` is the whole record of a series, from its first period."""

    start: date
    frequency: Frequency


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """How a body counts its year: its first month, what years are called, and the zone that decides the day."""

    start_month: int = 1
    label_rule: LabelRule = "both_years"
    time_zone: str = "UTC"

    def day_of(self, instant: datetime) -> date:
        """The calendar day of an instant where the body is."""
        return instant.astimezone(ZoneInfo(self.time_zone)).date()

    def containing(self, day: date, frequency: Frequency) -> Period:
        """The period of a frequency in which a day lies; the record has no such answer."""
        if frequency == "record":
            raise NotAPeriod("the record of a series starts with the series, not with a calendar day")
        length = MONTHS[frequency]
        months = day.year * 12 + day.month - 1
        offset = (months - (self.start_month - 1)) % length
        first = months - offset
        return Period(date(first // 12, first % 12 + 1, 1), frequency)

    def checked(self, period: Period) -> Period:
        """The same period, or an error where its first day starts no period of its frequency or lies out of reach."""
        if not FIRST_YEAR <= period.start.year <= LAST_YEAR:
            raise NotAPeriod(f"{period.start} does not lie between {FIRST_YEAR} and {LAST_YEAR}")
        if period.frequency != "record" and self.containing(period.start, period.frequency) != period:
            raise NotAPeriod(f"{period.start} is not the first day of a {period.frequency}")
        return period

    def after(self, period: Period) -> date:
        """The first day after a period."""
        if period.frequency == "record":
            raise NotAPeriod("the record of a series has no fixed end")
        months = period.start.year * 12 + period.start.month - 1 + MONTHS[period.frequency]
        return date(months // 12, months % 12 + 1, 1)

    def following(self, period: Period) -> Period:
        """The next period of the same frequency."""
        return Period(self.after(period), period.frequency)

    def every(self, first: Period, last: Period) -> list[Period]:
        """The periods of one frequency from the first to the last, both included."""
        periods = []
        while first.start <= last.start:
            periods.append(first)
            first = self.following(first)
        return periods

    def last_day(self, period: Period) -> date:
        """The last day inside a period."""
        return self.after(period) - timedelta(days=1)

    def label(self, period: Period) -> str:
        """What people call the period: `March 2019`, `Q4 2018/19`, `2018/19`, `Whole record from April 2016`."""
        if period.frequency == "record":
            return f"Whole record from {period.start:%B %Y}"
        if period.frequency == "month":
            return f"{period.start:%B %Y}"
        year = self._year_label(self.containing(period.start, "year").start)
        if period.frequency == "year":
            return year
        quarter = (period.start.year * 12 + period.start.month - self.start_month) % 12 // 3 + 1
        return f"Q{quarter} {year}"

    def _year_label(self, start: date) -> str:
        if start.month == 1:
            return str(start.year)
        if self.label_rule == "both_years":
            return f"{start.year}/{(start.year + 1) % 100:02}"
        return str(start.year if self.label_rule == "start_year" else start.year + 1)
