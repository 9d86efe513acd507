"""Charts as pictures: what an eye, a screen reader and a printer get."""

import re
from datetime import date
from itertools import pairwise
from uuid import UUID
from xml.etree import ElementTree

import pytest

from services.reporting.charts.domain import Assurance, Direction, StoredChart, Variation, xmr
from services.reporting.charts.formats.icons import assurance_icon, variation_icon
from services.reporting.charts.formats.scales import NARROW, WIDE, Frame, scale_of, ticks
from services.reporting.charts.formats.svg import description, svg
from services.reporting.charts.formats.words import ASSURANCE, VARIATION, number, variation_sentence

SVG = "{http://www.w3.org/2000/svg}"


def chart_of(
    values: list[float | None], *, target: float | None = None, direction: Direction = "increase"
) -> StoredChart:
    """A monthly chart from January 2018."""
    starts = tuple(date(2018 + index // 12, index % 12 + 1, 1) for index in range(len(values)))
    return StoredChart(UUID(int=1), "month", starts, xmr(values, direction=direction, target=target))


def drawn(chart: StoredChart, frame: Frame = WIDE) -> ElementTree.Element:
    """The picture, read as XML."""
    picture = svg(chart, key="tile", title="Waits by month", unit="%", decimals=1, frame=frame)
    return ElementTree.fromstring(str(picture))  # noqa: S314 - our own text


USUAL: list[float | None] = [50.0, 51.0, 49.5, 50.5, 50.2, 49.8, 51.2, 50.1, 49.9, 50.3, 50.6, 49.7, 50.4, 50.0]


class TestPicture:
    def test_it_has_a_name_and_a_description_that_it_points_to(self) -> None:
        picture = drawn(chart_of(USUAL, target=55.0))

        title, desc = picture[0], picture[1]
        assert picture.get("role") == "img"
        assert picture.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert title.text == "Waits by month"
        assert "14 months from January 2018" in (desc.text or "")
        assert "Target 55.0 %" in (desc.text or "")

    def test_special_causes_differ_by_shape(self) -> None:
        picture = drawn(chart_of([*USUAL, 90.0, 10.0]))

        shapes = {
            group.get("class", "").split("--")[1]: group[1].tag.removeprefix(SVG) + group[1].get("d", "")[-12:]
            for group in picture.iter(f"{SVG}g")
            if "chart-point" in group.get("class", "")
        }
        assert set(shapes) == {"common", "improvement", "concern"}
        assert len(set(shapes.values())) == 3

    def test_a_missing_month_breaks_the_line_and_is_marked(self) -> None:
        picture = drawn(chart_of([*USUAL[:5], None, *USUAL[6:]]))

        line = next(path for path in picture.iter(f"{SVG}path") if path.get("class") == "chart-line")
        assert (line.get("d") or "").count("M") == 2
        gaps = [group for group in picture.iter(f"{SVG}g") if group.get("class") == "chart-gap"]
        assert [gap[0].text for gap in gaps] == ["June 2018: no figure"]

    def test_its_lines_are_named_where_they_end(self) -> None:
        picture = drawn(chart_of(USUAL, target=55.0))

        labels = [
            "".join(text.itertext()) for text in picture.iter(f"{SVG}text") if "chart-label" in text.get("class", "")
        ]
        assert [label.split(" ")[0] for label in labels] == ["Target", "Upper", "Average", "Lower"]

    @pytest.mark.parametrize("frame", [WIDE, NARROW])
    @pytest.mark.parametrize("target", [50.2, 50.3, 80.0, None])
    def test_no_two_labels_touch_or_leave_the_picture(self, frame: Frame, target: float | None) -> None:
        picture = drawn(chart_of(USUAL, target=target), frame)

        heights = [
            float(text.get("y", "nan")) for text in picture.iter(f"{SVG}text") if "chart-label" in text.get("class", "")
        ]
        assert all(below - above >= 12.9 for above, below in pairwise(heights))
        assert all(0 < height < frame.height for height in heights)

    def test_large_numbers_get_the_room_they_need_beside_the_axis(self) -> None:
        small = scale_of(chart_of([1.0, 2.0]), WIDE, 0)
        large = scale_of(chart_of([1_000_000.0, 2_000_000.0]), WIDE, 0)

        assert large.frame.left > small.frame.left
        assert large.right < small.right

    def test_a_count_has_no_room_below_zero(self) -> None:
        assert scale_of(chart_of([0.0] * 14), WIDE, 0).low == 0.0

    def test_a_unit_that_is_a_word_is_not_repeated_at_each_line(self) -> None:
        chart = chart_of(USUAL)
        word, sign = (svg(chart, key="k", title="t", unit=unit, decimals=1) for unit in ("people", "%"))

        assert len(re.findall("label__value[^<]*people", word)) == 0
        assert len(re.findall("label__value[^<]*%", sign)) == 3

    def test_what_people_wrote_cannot_break_out(self) -> None:
        picture = svg(
            chart_of(USUAL), key='a"><script>', title="</title><script>x</script>", unit="<b>%</b>", decimals=1
        )

        assert "<script" not in picture
        assert "<b>" not in picture

    def test_colours_come_from_the_stylesheet_alone(self) -> None:
        picture = str(svg(chart_of([*USUAL, 90.0], target=55.0), key="k", title="t", unit="%", decimals=1))

        assert re.search(r"style=|fill=|stroke=|#[0-9a-f]{3}", picture) is None

    @pytest.mark.parametrize("values", [[5.0], [0.0] * 14, [None, 3.0], [1e-9, 2e-9, 1e-9], [1e15, 2e15, 3e15]])
    def test_odd_records_can_be_drawn(self, values: list[float | None]) -> None:
        picture = drawn(chart_of(values, target=5.0))

        assert "nan" not in ElementTree.tostring(picture).decode()

    def test_nothing_reported_is_said(self) -> None:
        assert description(chart_of([None]), unit="%", decimals=1) == "There are no figures yet."


class TestTicks:
    @pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (84.2, 95.6), (-3.0, 1200.0), (1e-9, 3e-9)])
    def test_they_are_few_and_inside(self, low: float, high: float) -> None:
        found = ticks(low, high)

        assert 2 <= len(found) <= 8
        assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in found)


class TestWords:
    def test_numbers_are_rounded_half_even_and_keep_their_decimals(self) -> None:
        assert [number(value, 1) for value in (0.25, 0.35, 1234567.0, 95)] == ["0.2", "0.4", "1,234,567.0", "95.0"]

    @pytest.mark.parametrize(
        ("tail", "said"),
        [
            ([90.0], "above the upper limit"),
            ([10.0], "below the lower limit"),
            ([50.3, 50.2], "within the ups and downs"),
        ],
    )
    def test_the_sentence_says_why(self, tail: list[float], said: str) -> None:
        assert said in variation_sentence(chart_of([*USUAL, *tail]))

    @pytest.mark.parametrize("variation", list(VARIATION))
    def test_every_variation_has_a_drawing(self, variation: Variation) -> None:
        assert 'aria-hidden="true"' in variation_icon(variation)

    @pytest.mark.parametrize("assurance", [*ASSURANCE, None])
    def test_every_assurance_has_a_drawing(self, assurance: Assurance | None) -> None:
        assert 'aria-hidden="true"' in assurance_icon(assurance)
