"""What may be recorded."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.goals.indicators.domain import Span
from services.goals.measurements.domain import Release, Reported, Rules, Taken, checked, what_to_do
from services.goals.measurements.errors import MeasurementInvalid
from shared.periods.calendar import FiscalCalendar, Period

D = Decimal
TODAY = date(2019, 4, 15)
CALENDAR = FiscalCalendar(start_month=4)
RATIO = Rules("month", CALENDAR, D(100))
PLAIN = Rules("month", CALENDAR, None)
MARCH = Period(date(2019, 3, 1), "month")


def wrong(rules: Rules, **reported: Any) -> set[str]:
    with pytest.raises(MeasurementInvalid) as refused:
        checked(Reported(**{"period": MARCH, **reported}), rules, today=TODAY)
    return {field.where for field in refused.value.fields}


class TestChecked:
    def test_the_value_of_a_ratio_is_computed_and_rounded_once(self) -> None:
        reported = checked(Reported(MARCH, numerator=D(1), denominator=D(3)), RATIO, today=TODAY)

        assert reported.value == D("33.333333333333")

    def test_a_plain_value_stays_as_it_was_written(self) -> None:
        assert str(checked(Reported(MARCH, D("1.50")), PLAIN, today=TODAY).value) == "1.50"

    def test_no_digit_is_lost_on_the_way(self) -> None:
        rules = Rules("month", CALENDAR, D("1.000000000001"))
        reported = Reported(MARCH, numerator=D("123456789012345678.123456789012"), denominator=D(1))

        assert str(checked(reported, rules, today=TODAY).value) == "123456789012469134.91246913469"

    @pytest.mark.parametrize(
        ("first", "last", "accepted"),
        [
            (date(2019, 4, 1), None, "a period that ends on 2019-04-01, the unit's first day, or later"),
            (
                date(2018, 1, 1),
                date(2019, 2, 28),
                "a period that ends on 2018-01-01, the unit's first day, or later"
                " and begins by 2019-02-28, its last one",
            ),
        ],
    )
    def test_a_period_outside_the_units_life_is_refused(self, first: date, last: date | None, accepted: str) -> None:
        with pytest.raises(MeasurementInvalid) as refused:
            checked(Reported(MARCH, D(1)), Rules("month", CALENDAR, None, Span(first, last)), today=TODAY)

        (field,) = refused.value.fields
        assert (field.where, field.accepted, field.sent) == ("/period/start", accepted, "2019-03-01")

    def test_a_period_of_which_the_unit_existed_a_day_is_accepted(self) -> None:
        for exists in (Span(date(2019, 3, 31)), Span(date(2018, 1, 1), date(2019, 3, 1))):
            assert checked(Reported(MARCH, D(1)), Rules("month", CALENDAR, None, exists), today=TODAY).value == 1

    def test_zero_is_a_value(self) -> None:
        assert checked(Reported(MARCH, D(0)), PLAIN, today=TODAY).value == 0
        assert checked(Reported(MARCH, numerator=D(0), denominator=D(5)), RATIO, today=TODAY).value == 0

    @pytest.mark.parametrize(
        ("rules", "reported", "where"),
        [
            (RATIO, {"numerator": D(1)}, {"/denominator"}),
            (RATIO, {}, {"/numerator", "/denominator"}),
            (RATIO, {"numerator": D(0), "denominator": D(0)}, {"/denominator"}),
            (RATIO, {"numerator": D(1), "denominator": D(-1)}, {"/denominator"}),
            (RATIO, {"value": D(1), "numerator": D(1), "denominator": D(1)}, {"/value"}),
            (RATIO, {"numerator": D(10) ** 17, "denominator": D("1e-12")}, {"/numerator"}),
            (PLAIN, {}, {"/value"}),
            (PLAIN, {"value": D(1), "numerator": D(1)}, {"/numerator"}),
            (PLAIN, {"value": D(1), "missing_reason": "outage"}, {"/missing_reason"}),
            (PLAIN, {"obs_status": "O"}, {"/missing_reason"}),
            (PLAIN, {"obs_status": "O", "missing_reason": "outage", "value": D(0)}, {"/value"}),
            (RATIO, {"obs_status": "M", "missing_reason": "none", "denominator": D(0)}, {"/denominator"}),
        ],
    )
    def test_what_does_not_fit_is_named(self, rules: Rules, reported: dict[str, Any], where: set[str]) -> None:
        assert wrong(rules, **reported) == where

    @pytest.mark.parametrize("status", ["O", "M"])
    @pytest.mark.parametrize("rules", [RATIO, PLAIN], ids=["ratio", "plain"])
    def test_a_reason_stands_in_for_the_value(self, rules: Rules, status: Any) -> None:
        reported = Reported(MARCH, obs_status=status, missing_reason="closed")

        assert checked(reported, rules, today=TODAY) == reported

    @pytest.mark.parametrize(
        ("period", "where"),
        [
            (Period(date(2019, 3, 2), "month"), "/period/start"),
            (Period(date(2019, 5, 1), "month"), "/period/start"),
            (Period(date(2019, 1, 1), "quarter"), "/period/frequency"),
        ],
    )
    def test_a_period_is_one_of_the_indicator_that_has_begun(self, period: Period, where: str) -> None:
        assert wrong(PLAIN, period=period, value=D(1)) == {where}

    def test_the_running_period_may_be_reported(self) -> None:
        checked(Reported(Period(date(2019, 4, 1), "month"), D(1)), PLAIN, today=TODAY)

    def test_a_year_begins_where_the_calendar_says(self) -> None:
        rules = Rules("year", CALENDAR, None)

        checked(Reported(Period(date(2018, 4, 1), "year"), D(1)), rules, today=TODAY)
        assert wrong(rules, period=Period(date(2018, 1, 1), "year"), value=D(1)) == {"/period/start"}


class TestWhatToDo:
    DAY = date(2019, 3, 5)

    @pytest.mark.parametrize(
        ("release", "taken", "decision"),
        [
            (Release(1, False, DAY), Taken(), "take"),
            (Release(2, False, DAY), Taken(1, DAY), "wait"),
            (Release(2, False, date(2019, 3, 6)), Taken(1, DAY), "take"),
            (Release(2, False, date(2019, 3, 4)), Taken(1, DAY), "wait"),
            (Release(2, True, DAY), Taken(1, DAY), "take"),
            (Release(1, False, DAY), Taken(1, DAY), "nothing"),
            (Release(2, True, DAY), Taken(2, DAY, closed=True), "nothing"),
            (Release(3, False, date(2019, 3, 9)), Taken(2, DAY, closed=True), "nothing"),
        ],
    )
    def test_the_first_of_a_day_and_the_final_are_taken(self, release: Release, taken: Taken, decision: str) -> None:
        assert what_to_do(release, taken) == decision
