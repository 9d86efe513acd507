"""Typed targets."""

from decimal import Decimal
from typing import Any

import pytest

from services.goals.targets.domain import (
    DecreaseTo,
    IncreaseTo,
    MaintainAtOrAbove,
    MaintainAtOrBelow,
    Milestone,
    Range,
    TypedTarget,
    Undefined,
    check_direction,
    is_met,
    on_the_way,
    progress,
    typed,
)
from services.goals.targets.errors import (
    RangeIsEmpty,
    TargetAsksForNoDecrease,
    TargetAsksForNoIncrease,
    TargetIncomplete,
    TargetPullsTheWrongWay,
)

D = Decimal


class TestProgress:
    @pytest.mark.parametrize(
        ("target", "value", "share"),
        [
            (IncreaseTo(D(40), D(50)), D(45), D("0.5")),
            (IncreaseTo(D(40), D(50)), D(38), D("-0.2")),
            (IncreaseTo(D(40), D(50)), D(52), D("1.2")),
            (DecreaseTo(D(20), D(10)), D(15), D("0.5")),
            (DecreaseTo(D(20), D(10)), D(22), D("-0.2")),
            (IncreaseTo(D(0), D(3)), D(1), D("0.333333333333")),
        ],
    )
    def test_it_is_the_share_of_the_way_not_clamped(
        self, target: IncreaseTo | DecreaseTo, value: Decimal, share: Decimal
    ) -> None:
        assert progress(target, value) == share

    def test_a_derived_trajectory_is_a_straight_line(self) -> None:
        assert on_the_way(IncreaseTo(D(40), D(50)), D("0.25")) == D("42.5")
        assert on_the_way(DecreaseTo(D(20), D(10)), D("0.25")) == D("17.5")


class TestIsMet:
    @pytest.mark.parametrize(
        ("target", "met", "not_met"),
        [
            (IncreaseTo(D(40), D(50)), D(50), D("49.99")),
            (DecreaseTo(D(20), D(10)), D(10), D("10.01")),
            (MaintainAtOrAbove(D(95)), D(95), D("94.99")),
            (MaintainAtOrBelow(D(5)), D(5), D("5.01")),
            (Range(D(1), D(2)), D(2), D("2.01")),
            (Range(D(1), D(2)), D(1), D("0.99")),
            (Milestone({"en": "Open"}), D(1), D(0)),
        ],
    )
    def test_the_bound_itself_meets_it(self, target: TypedTarget, met: Decimal, not_met: Decimal) -> None:
        assert is_met(target, met) is True
        assert is_met(target, not_met) is False

    def test_where_nothing_is_asked_for_nothing_is_met_or_missed(self) -> None:
        assert is_met(Undefined(), D(5)) is None


class TestTyped:
    @pytest.mark.parametrize(
        ("parts", "error"),
        [
            ({"type": "increase_to", "value": D(40), "baseline": D(40)}, TargetAsksForNoIncrease),
            ({"type": "decrease_to", "value": D(40), "baseline": D(40)}, TargetAsksForNoDecrease),
            ({"type": "range", "low": D(2), "high": D(2)}, RangeIsEmpty),
            ({"type": "increase_to", "value": D(40)}, TargetIncomplete),
            ({"type": "range", "low": D(2)}, TargetIncomplete),
            ({"type": "milestone"}, TargetIncomplete),
            ({"type": "undefined", "value": D(1)}, TargetIncomplete),
            ({"type": "maintain_at_or_above", "value": D(1), "high": D(2)}, TargetIncomplete),
        ],
    )
    def test_parts_that_make_no_sense_are_refused(self, parts: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            typed(**parts)

    def test_all_that_is_missing_is_named_at_once(self) -> None:
        with pytest.raises(TargetIncomplete) as refused:
            typed("range", value=D(1))

        assert {field.where for field in refused.value.fields} == {"/low", "/high", "/value"}

    @pytest.mark.parametrize(
        ("parts", "made"),
        [
            ({"type": "increase_to", "value": D(2), "baseline": D(1)}, IncreaseTo(D(1), D(2))),
            ({"type": "decrease_to", "value": D(1), "baseline": D(2)}, DecreaseTo(D(2), D(1))),
            ({"type": "maintain_at_or_above", "value": D(0)}, MaintainAtOrAbove(D(0))),
            ({"type": "maintain_at_or_below", "value": D(0), "baseline": D(9)}, MaintainAtOrBelow(D(0))),
            ({"type": "range", "low": D(0), "high": D(2)}, Range(D(0), D(2))),
            ({"type": "milestone", "milestone": {"en": "Open"}, "value": D(0)}, Milestone({"en": "Open"}, D(0))),
            ({"type": "undefined"}, Undefined()),
        ],
    )
    def test_each_type_is_made_of_its_parts_and_zero_is_a_value(self, parts: dict[str, Any], made: TypedTarget) -> None:
        assert typed(**parts) == made


class TestCheckDirection:
    @pytest.mark.parametrize("target", [IncreaseTo(D(1), D(2)), MaintainAtOrAbove(D(50))])
    def test_more_is_not_asked_of_what_is_better_low(self, target: TypedTarget) -> None:
        with pytest.raises(TargetPullsTheWrongWay):
            check_direction(target, "decrease")

    @pytest.mark.parametrize("target", [DecreaseTo(D(2), D(1)), MaintainAtOrBelow(D(100))])
    def test_less_is_not_asked_of_what_is_better_high(self, target: TypedTarget) -> None:
        with pytest.raises(TargetPullsTheWrongWay):
            check_direction(target, "increase")

    @pytest.mark.parametrize("target", [IncreaseTo(D(1), D(2)), DecreaseTo(D(2), D(1)), Range(D(1), D(2))])
    def test_where_neither_is_better_either_may_be_asked(self, target: TypedTarget) -> None:
        check_direction(target, "neutral")
