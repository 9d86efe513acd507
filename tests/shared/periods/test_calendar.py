"""Periods of fiscal calendars."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.periods.calendar import MONTHS, FiscalCalendar, Frequency, LabelRule, NotAPeriod, Period

APRIL = FiscalCalendar(start_month=4)
CALENDARS = st.builds(FiscalCalendar, start_month=st.integers(1, 12))
DAYS = st.dates(date(1950, 1, 1), date(2150, 1, 1))
FREQUENCIES: st.SearchStrategy[Frequency] = st.sampled_from(["month", "quarter", "year"])


@pytest.mark.parametrize(
    ("day", "frequency", "start"),
    [
        (date(2019, 3, 31), "month", date(2019, 3, 1)),
        (date(2019, 3, 31), "quarter", date(2019, 1, 1)),
        (date(2019, 3, 31), "year", date(2018, 4, 1)),
        (date(2019, 4, 1), "year", date(2019, 4, 1)),
    ],
)
def test_a_day_lies_in_the_period_that_the_fiscal_year_makes(day: date, frequency: Frequency, start: date) -> None:
    assert APRIL.containing(day, frequency) == Period(start, frequency)


@given(CALENDARS, DAYS, FREQUENCIES)
def test_a_period_holds_its_day_and_touches_the_next(calendar: FiscalCalendar, day: date, frequency: Frequency) -> None:
    period = calendar.containing(day, frequency)

    assert period.start <= day <= calendar.last_day(period)
    assert calendar.following(period).start == calendar.after(period)
    assert calendar.checked(calendar.following(period))


@given(CALENDARS, DAYS)
def test_every_month_of_a_year_lies_in_it_and_no_other(calendar: FiscalCalendar, day: date) -> None:
    year = calendar.containing(day, "year")
    months = calendar.every(Period(year.start, "month"), calendar.containing(calendar.last_day(year), "month"))

    assert len(months) == MONTHS["year"]
    assert {calendar.containing(month.start, "year") for month in months} == {year}
    assert calendar.containing(calendar.after(months[-1]), "year") != year


def test_from_a_period_to_itself_there_is_one() -> None:
    assert APRIL.every(Period(date(2019, 3, 1), "month"), Period(date(2019, 3, 1), "month")) == [
        Period(date(2019, 3, 1), "month")
    ]


def test_from_a_period_to_an_earlier_one_there_is_none() -> None:
    assert APRIL.every(Period(date(2019, 3, 1), "month"), Period(date(2019, 2, 1), "month")) == []


@pytest.mark.parametrize("start", [date(1, 1, 1), date(1899, 4, 1), date(3000, 4, 1), date(9999, 4, 1)])
@pytest.mark.parametrize("frequency", ["month", "year", "record"])
def test_a_period_out_of_reach_is_none(start: date, frequency: Frequency) -> None:
    with pytest.raises(NotAPeriod):
        FiscalCalendar(start_month=start.month).checked(Period(start, frequency))


@pytest.mark.parametrize("period", [Period(date(2019, 3, 2), "month"), Period(date(2019, 2, 1), "quarter")])
def test_a_day_that_begins_no_period_is_refused(period: Period) -> None:
    with pytest.raises(NotAPeriod):
        APRIL.checked(period)


@pytest.mark.parametrize(
    "question", [APRIL.after, APRIL.last_day, lambda record: APRIL.containing(record.start, "record")]
)
def test_the_record_has_no_end_of_its_own(question: object) -> None:
    assert callable(question)
    with pytest.raises(NotAPeriod):
        question(Period(date(2016, 4, 1), "record"))


@pytest.mark.parametrize(
    ("period", "rule", "label"),
    [
        (Period(date(2019, 3, 1), "month"), "both_years", "March 2019"),
        (Period(date(2019, 1, 1), "quarter"), "both_years", "Q4 2018/19"),
        (Period(date(2018, 4, 1), "year"), "both_years", "2018/19"),
        (Period(date(1999, 4, 1), "year"), "both_years", "1999/00"),
        (Period(date(2018, 4, 1), "year"), "start_year", "2018"),
        (Period(date(2018, 4, 1), "year"), "end_year", "2019"),
        (Period(date(2016, 4, 1), "record"), "both_years", "Whole record from April 2016"),
    ],
)
def test_a_period_is_called_as_people_call_it(period: Period, rule: LabelRule, label: str) -> None:
    assert FiscalCalendar(start_month=4, label_rule=rule).label(period) == label


def test_a_year_that_begins_in_january_is_called_by_its_number() -> None:
    assert FiscalCalendar().label(Period(date(2019, 1, 1), "year")) == "2019"


def test_the_zone_decides_the_day_of_an_instant() -> None:
    instant = datetime(2019, 3, 31, 23, 30, tzinfo=UTC)

    assert FiscalCalendar(time_zone="Europe/London").day_of(instant) == date(2019, 4, 1)
    assert FiscalCalendar(time_zone="America/New_York").day_of(instant) == date(2019, 3, 31)
