"""What readers ask for: periods and filters."""

from dataclasses import dataclass
from datetime import date

from services.reporting.facts.domain import Status
from services.reporting.scorecards.errors import PeriodNotUnderstood
from shared.periods.calendar import FiscalCalendar, Frequency, Period


@dataclass(frozen=True, slots=True)
class AskedPeriod:
    """A period as somebody asks for it: a day, and a frequency or each indicator's own."""

    day: date | None
    frequency: Frequency | None = None

    def of(self, calendar: FiscalCalendar, own: Frequency) -> Period | None:
        """The period of an indicator that is meant; None stands for the whole record."""
        frequency = self.frequency or own
        if frequency == "record" or self.day is None:
            return None
        return calendar.containing(self.day, frequency)


def asked_period(text: str) -> AskedPeriod:
    """Read `2019-03`, `2019-03-01`, `year:2018-04-01`, `quarter:2019-01` (the period that has the day) or `record`."""
    frequency, colon, day = text.rpartition(":")
    if text == "record" or frequency == "record":
        return AskedPeriod(None, "record")
    if colon and frequency not in ("month", "quarter", "year"):
        raise PeriodNotUnderstood(text)
    try:
        first = date.fromisoformat(f"{day}-01" if len(day) == 7 else day)
    except ValueError:
        raise PeriodNotUnderstood(text) from None
    if not 1000 <= first.year < 9000:
        raise PeriodNotUnderstood(text)
    return AskedPeriod(first, frequency or None)  # type: ignore[arg-type]  # one of the three, as checked above


@dataclass(frozen=True, slots=True)
class DashboardFilters:
    """Which units and indicators the dashboard shows, and in which order."""

    indicators: tuple[str, ...] = ()
    """Ids or codes, the leading one first; none chosen: the four with the most results at the level."""
    level: str = "organisation"
    q: str | None = None
    """Part of a name or code; accents and case do not count."""
    region: str | None = None
    """Id or code of a unit above."""
    status: Status | None = None
    """Of the leading indicator."""
    period: AskedPeriod | None = None
    sort: str = "name"
    """`name`, `code`, `value` or `status` (both of the leading indicator); with `-` the other way round."""
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ResultFilters:
    """Which numbers the export holds; `period_from` and `period_to` are the first and last day a period may start."""

    indicators: tuple[str, ...] = ()
    unit: str | None = None
    level: str | None = None
    q: str | None = None
    region: str | None = None
    status: Status | None = None
    frequency: Frequency | None = None
    period: AskedPeriod | None = None
    period_from: date | None = None
    period_to: date | None = None
