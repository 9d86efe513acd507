"""NHSRplotthedots against services.reporting.charts.domain.xmr."""

from collections.abc import Iterator
from typing import Any

from services.reporting.charts.domain import Point, Xmr, xmr

LABELS = {
    ("common", False): "Common Cause",
    ("outside_limits", True): "Above UCL",
    ("outside_limits", False): "Below LCL",
    ("trend", True): "7 Point Trend (Increasing)",
    ("trend", False): "7 Point Trend (Decreasing)",
    ("two_in_three", True): "2 in 3 Above CL",
    ("two_in_three", False): "2 in 3 Below CL",
    ("shift", True): "7 Points Above CL",
    ("shift", False): "7 Points Below CL",
}
ICONS = {"consistent_pass": "pass.svg", "consistent_fail": "fail.svg", "inconsistent": "inconsistent.svg", None: None}


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Our answer to one case, in the words of the package."""
    asked = case["input"]
    order = sorted(range(len(asked["date"])), key=lambda index: asked["date"][index])
    dates = [asked["date"][index] for index in order]
    chart = xmr(
        [asked["value"][index] for index in order],
        direction=asked["improvement_direction"],
        target=asked["target"],
        rebase_at=[sum(day < rebase for day in dates) for rebase in asked["rebase"]],
        baseline=asked["fix_after_n_points"],
        screen=asked["screen_outliers"],
    )
    return {name: list(column) for name, column in _columns(chart)} | {
        "assurance": chart.assurance,
        "variation_icon": f"{_common(chart.variation)}.svg",
        "assurance_icon": ICONS[chart.assurance],
    }


def _columns(chart: Xmr) -> Iterator[tuple[str, Iterator[Any]]]:
    limits = [chart.limits_at(index) for index in range(len(chart.points))]
    yield "rebase_group", (point.segment for point in chart.points)
    yield "mean", (limit.centre for limit in limits)
    yield "lpl", (limit.lower for limit in limits)
    yield "upl", (limit.upper for limit in limits)
    yield "outside_limits", (point.outside for point in chart.points)
    yield "close_to_limits", (point.near for point in chart.points)
    yield "relative_to_mean", (point.side for point in chart.points)
    yield "special_cause_type", (LABELS[point.rule, point.high] for point in chart.points)
    yield "point_type", (_type(point) for point in chart.points)
    yield "short_group_warning", (chart.segments[point.segment].short for point in chart.points)


def _type(point: Point) -> str:
    return "common_cause" if point.kind == "common" else f"special_cause_{point.kind}"


def _common(variation: str | None) -> str | None:
    return "common_cause" if variation == "common" else variation
