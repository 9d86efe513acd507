"""Status by the first rule that matches."""

from datetime import date
from decimal import Decimal

import pytest

from services.goals.evaluation.domain.judging import RULES, Case, TargetVersion, judged, trajectory
from services.goals.indicators.domain import Span
from services.goals.targets.domain import (
    DecreaseTo,
    IncreaseTo,
    MaintainAtOrAbove,
    MaintainAtOrBelow,
    Milestone,
    Range,
    TypedTarget,
    Undefined,
)
from shared.periods.calendar import FiscalCalendar, Period

UP, DOWN = IncreaseTo(Decimal(10), Decimal(20)), DecreaseTo(Decimal(20), Decimal(10))
ABOVE, BELOW = MaintainAtOrAbove(Decimal(95)), MaintainAtOrBelow(Decimal(5))
BAND, DONE = Range(Decimal(2), Decimal(4)), Milestone({"en": "Open the ward"})
CALENDAR = FiscalCalendar(start_month=4)
YEAR_END = date(2019, 3, 31)


def case(value: str | None, asks: TypedTarget | None, derived: str | None = None) -> Case:
    """A value that was expected."""
    return Case(
        None if value is None else Decimal(value), 1, asks=asks, derived=None if derived is None else Decimal(derived)
    )


@pytest.mark.parametrize(
    ("given", "status", "rule"),
    [
        (Case(None, 0, not_applicable=True), "not_expected", "not_applicable"),
        (Case(None, 0), "not_expected", "not_expected"),
        (Case(Decimal(96), 0, asks=ABOVE), "not_expected", "not_expected"),
        (case(None, ABOVE), "no_information", "no_value"),
        (case("96", None), "no_information", "no_target"),
        (case("96", Undefined()), "no_information", "no_target"),
        (Case(Decimal(96), 1, asks=ABOVE, comparable=False), "no_information", "target_for_another_frequency"),
        (case("95", ABOVE), "met", "value_at_or_above_target"),
        (case("94.999", ABOVE), "not_met", "value_below_target"),
        (case("5", BELOW), "met", "value_at_or_below_target"),
        (case("0", BELOW), "met", "value_at_or_below_target"),
        (case("5.1", BELOW), "not_met", "value_above_target"),
        (case("2", BAND), "met", "value_within_range"),
        (case("4.1", BAND), "not_met", "value_outside_range"),
        (case("1", DONE), "met", "milestone_reached"),
        (case("0", DONE), "not_met", "milestone_not_reached"),
        (case("20", UP), "met", "value_at_or_above_target"),
        (case("19", UP), "not_met", "value_below_target"),
        (case("10", DOWN), "met", "value_at_or_below_target"),
        (case("11", DOWN), "not_met", "value_above_target"),
        (case("16", UP, derived="15"), "on_track", "on_derived_trajectory"),
        (case("14", UP, derived="15"), "off_track", "off_derived_trajectory"),
        (case("14", DOWN, derived="15"), "on_track", "on_derived_trajectory"),
        (case("16", DOWN, derived="15"), "off_track", "off_derived_trajectory"),
        (case("21", UP, derived="15"), "met", "value_at_or_above_target"),
    ],
)
def test_the_first_rule_that_matches_decides(given: Case, status: str, rule: str) -> None:
    judgement = judged(given)

    assert (judgement.status, judgement.rule) == (status, rule)


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("value", "asks", "share"),
    [
        ("10", UP, "0"),
        ("15", UP, "0.5"),
        ("25", UP, "1.5"),
        ("5", UP, "-0.5"),
        ("15", DOWN, "0.5"),
        ("25", DOWN, "-0.5"),
    ],
)
def test_progress_is_a_share_of_the_way_and_not_clamped(value: str, asks: TypedTarget, share: str) -> None:
    assert judged(case(value, asks)).progress == Decimal(share)


@pytest.mark.parametrize("asks", [ABOVE, BELOW, BAND, DONE, Undefined(), None])
def test_what_has_no_way_to_go_has_no_progress(asks: TypedTarget | None) -> None:
    assert judged(case("3", asks)).progress is None


def test_progress_too_large_to_publish_is_left_out() -> None:
    hair = IncreaseTo(Decimal(0), Decimal("0.000000000001"))

    assert judged(case("10000000", hair)).progress is None


def test_only_a_judgement_by_the_trajectory_names_it() -> None:
    assert judged(case("16", UP, derived="15")).derived == 15
    assert judged(case("21", UP, derived="15")).derived is None


class TestTrajectory:
    def version(self, valid_to: date | None = YEAR_END, baseline_period: Period | None = None) -> TargetVersion:
        return TargetVersion(
            version=1,
            type="increase_to",
            valid=Span(date(2018, 4, 1), valid_to),
            value=Decimal(22),
            baseline=Decimal(10),
            baseline_period=baseline_period,
        )

    def test_it_is_a_straight_line_from_the_baselines_period_to_the_last_day(self) -> None:
        target = self.version(baseline_period=Period(date(2018, 3, 1), "month"))

        assert trajectory(target, date(2018, 3, 31), CALENDAR) == 10
        half = trajectory(target, date(2018, 9, 30), CALENDAR)
        assert half is not None
        assert half == round(Decimal(10) + Decimal(12) * 183 / 365, 12)

    def test_without_a_baseline_period_it_begins_with_the_target(self) -> None:
        assert trajectory(self.version(), date(2018, 4, 1), CALENDAR) == 10

    def test_on_the_last_day_the_target_itself_counts(self) -> None:
        assert trajectory(self.version(), YEAR_END, CALENDAR) is None

    def test_a_target_without_an_end_has_none(self) -> None:
        assert trajectory(self.version(valid_to=None), date(2018, 9, 30), CALENDAR) is None

    def test_a_threshold_has_none(self) -> None:
        threshold = TargetVersion(1, "maintain_at_or_above", Span(date(2018, 4, 1), YEAR_END), value=Decimal(95))

        assert trajectory(threshold, date(2018, 9, 30), CALENDAR) is None
