"""What a control chart says about a series; equality with a reference package is in tests/oracles."""

import random

import pytest

from services.reporting.charts.domain import leaves_something, xmr
from services.reporting.charts.errors import NotAChart


def wobbling(count: int, around: float = 50.0) -> list[float | None]:
    """A series that moves by one up and down, without any special cause."""
    return [around + (1 if index % 2 else -1) * 0.5 for index in range(count)]


class TestLimits:
    def test_they_lie_266_mean_ranges_from_the_centre(self) -> None:
        limits = xmr([1.0, 3.0, 2.0], direction="increase").segments[0].limits

        assert limits.centre == 2.0
        assert limits.moving_range == 1.5
        assert (limits.lower, limits.upper) == (2.0 - 2.66 * 1.5, 2.0 + 2.66 * 1.5)

    def test_a_missing_value_is_a_gap_and_never_zero(self) -> None:
        chart = xmr([10.0, 11.0, None, 30.0, 31.0], direction="increase")

        assert chart.segments[0].limits.centre == 20.5
        assert chart.segments[0].limits.moving_range == 1.0
        assert chart.points[2].value is None

    def test_one_point_has_a_centre_but_no_limits(self) -> None:
        chart = xmr([7.0], direction="increase", target=8.0)

        assert (chart.segments[0].limits.centre, chart.segments[0].limits.upper) == (7.0, None)
        assert chart.assurance is None

    def test_nothing_reported_says_nothing(self) -> None:
        chart = xmr([None, None], direction="increase", target=8.0)

        assert (chart.variation, chart.assurance, chart.segments[0].limits.centre) == (None, None, None)

    def test_a_rebase_starts_new_limits_that_no_rule_reaches_across(self) -> None:
        chart = xmr(wobbling(14, 10) + wobbling(14, 20), direction="increase", rebase_at=[14])

        assert [segment.limits.centre for segment in chart.segments] == [10.0, 20.0]
        assert {point.rule for point in chart.points} == {"common"}

    def test_a_fixed_baseline_judges_later_points_by_the_first_ones(self) -> None:
        chart = xmr(wobbling(12, 10) + wobbling(3, 20), direction="increase", baseline=12)

        assert chart.segments[0].limits.centre == 10.0
        assert [point.rule for point in chart.points[12:]] == ["outside_limits"] * 3

    def test_a_short_baseline_is_refused(self) -> None:
        with pytest.raises(NotAChart):
            xmr(wobbling(20), direction="increase", baseline=5)


class TestSpecialCauses:
    def test_a_gap_ends_a_run(self) -> None:
        low, high = wobbling(10, 49), wobbling(7, 51)
        unbroken = xmr(low + high, direction="increase", screen=False)
        broken = xmr([*low, *high[:4], None, *high[4:6]], direction="increase", screen=False)

        assert "shift" in {point.rule for point in unbroken.points[10:]}
        assert "shift" not in {point.rule for point in broken.points[10:]}

    def test_a_gap_ends_a_trend(self) -> None:
        rising = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]

        assert "trend" in {point.rule for point in xmr(rising, direction="increase").points}
        assert "trend" not in {p.rule for p in xmr([*rising[:3], None, *rising[3:6]], direction="increase").points}

    @pytest.mark.parametrize(
        ("direction", "variation"),
        [("increase", "improvement_high"), ("decrease", "concern_high"), ("neutral", "neutral_high")],
    )
    def test_the_direction_says_whether_high_is_good(self, direction: str, variation: str) -> None:
        assert xmr([*wobbling(14), 90.0], direction=direction).variation == variation  # type: ignore[arg-type]  # parametrised

    def test_variation_is_that_of_the_newest_reported_point(self) -> None:
        assert xmr([*wobbling(14), 90.0, None], direction="increase").variation == "improvement_high"


class TestConstantSeries:
    @pytest.mark.parametrize(
        ("target", "direction", "assurance"),
        [
            (6.0, "increase", "consistent_fail"),
            (5.0, "increase", "consistent_pass"),
            (4.0, "increase", "consistent_pass"),
            (6.0, "decrease", "consistent_pass"),
            (4.0, "decrease", "consistent_fail"),
        ],
    )
    def test_it_is_sure_of_its_target_or_sure_to_miss_it(self, target: float, direction: str, assurance: str) -> None:
        chart = xmr([5.0] * 14, direction=direction, target=target)  # type: ignore[arg-type]  # parametrised

        assert chart.assurance == assurance

    def test_no_rounding_makes_a_point_special(self) -> None:
        assert {point.rule for point in xmr([0.1] * 14, direction="increase").points} == {"common"}


class TestScreening:
    def test_one_odd_month_beside_a_constant_record_leaves_nothing_to_screen_with(self) -> None:
        values = [100.0] * 20 + [99.0] + [100.0] * 5
        screened, unscreened = (xmr(values, direction="increase", screen=screen) for screen in (True, False))

        assert not leaves_something(values)
        assert sum(point.outside for point in screened.points) == 26
        assert sum(point.outside for point in unscreened.points) == 1

    def test_an_ordinary_series_can_be_screened(self) -> None:
        assert leaves_something([*wobbling(14), 90.0])


class TestTargets:
    def test_the_newest_target_decides_the_assurance(self) -> None:
        targets = [10.0] * 10 + [90.0] * 4

        assert xmr(wobbling(14), direction="increase", target=targets).assurance == "consistent_fail"

    def test_a_target_per_point_must_be_there_for_each_point(self) -> None:
        with pytest.raises(NotAChart):
            xmr(wobbling(14), direction="increase", target=[1.0])


def test_a_series_has_the_same_bits_whatever_is_charted_beside_it() -> None:
    source = random.Random(7)  # noqa: S311 - a repeatable series, not a secret
    many = [[source.uniform(0, 100) for _ in range(source.randrange(2, 60))] for _ in range(200)]

    alone = [xmr(values, direction="increase", target=50.0) for values in reversed(many)]
    together = [xmr(values, direction="increase", target=50.0) for values in many]

    assert [repr(chart) for chart in reversed(alone)] == [repr(chart) for chart in together]


def test_the_centre_does_not_depend_on_the_order_of_addition() -> None:
    values = [0.1, 0.7, 0.3, 1e15, 0.2, -1e15]

    forwards, backwards = (xmr(line, direction="increase") for line in (values, values[::-1]))

    assert forwards.segments[0].limits.centre == backwards.segments[0].limits.centre
