"""What dashboard and scorecard say, without a browser."""

import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from jinja2 import UndefinedError

from services.reporting.schema import DeadLetter
from services.reporting.scorecards.domain.answers import UnitRef
from shared.database import transaction
from shared.ui.render import environment
from tests.pages.world import AT, known_as

Browse = Callable[[str], Awaitable[httpx.Response]]


class Cells(HTMLParser):
    """The text of each table row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())


def names(page: str) -> list[str]:
    """The units of a dashboard, in their order."""
    return [row[0] for row in Cells(page).rows[1:]]


class TestDashboard:
    async def test_it_shows_every_organisation_with_figure_and_status_in_words(self, browse: Browse) -> None:
        page = await browse("/scorecards")

        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert len(names(page.text)) == 4
        assert "Target not met" in Cells(page.text).rows[1:][names(page.text).index("N2")][3]

    async def test_a_unit_that_has_stopped_is_not_expected(self, browse: Browse) -> None:
        page = await browse("/scorecards?q=old")

        assert [row[2:4] for row in Cells(page.text).rows[1:]] == [["–", "Not expected"]]

    async def test_it_finds_by_part_of_name_or_code(self, browse: Browse) -> None:
        assert names((await browse("/scorecards?q=southm")).text) == ["Old Southmoor S2", "Southmoor S1"]
        assert names((await browse("/scorecards?q=n2")).text) == ["N2"]

    async def test_it_filters_by_region_and_status(self, browse: Browse) -> None:
        page = await browse("/scorecards?q=&region=north&status=not_met&period=")

        assert names(page.text) == ["N2"]

    async def test_it_sorts_by_value_both_ways(self, browse: Browse) -> None:
        rising = names((await browse("/scorecards?sort=value&region=north")).text)
        falling = names((await browse("/scorecards?sort=-value&region=north")).text)

        assert rising == falling[::-1]
        assert rising[0] == "N2"

    async def test_it_counts_units_per_status_whatever_status_is_chosen(self, browse: Browse) -> None:
        page = await browse("/scorecards?status=met")

        counts = re.findall(r'status--(\w+)">.*?<b class="number">(\d+)</b>', page.text, re.S)
        assert sum(int(number) for _, number in counts) == 4

    async def test_a_period_can_be_chosen_and_stays_chosen(self, browse: Browse) -> None:
        page = await browse("/scorecards?period=2018-01")

        assert "January 2018" in page.text
        assert re.search(r'<option value="2018-01" selected>', page.text)
        assert "/scorecards/N1?period=2018-01" in page.text

    async def test_a_unit_of_measure_that_is_a_word_stands_in_the_heading_only(self, browse: Browse) -> None:
        rows = Cells((await browse("/scorecards?q=northgate")).text).rows

        place = next(place for place, heading in enumerate(rows[0]) if heading == "Visits people")
        assert rows[1][place].isdigit()

    async def test_a_column_without_any_target_has_no_statuses(self, browse: Browse) -> None:
        headings = Cells((await browse("/scorecards")).text).rows[0]

        assert [heading for heading in headings if heading.startswith("Status")] == ["Status"]

    async def test_names_are_escaped(self, browse: Browse) -> None:
        page = await browse('/scorecards?q="><script>x</script>')

        assert "<script" not in page.text
        assert "Northgate &lt;Hospital&gt; &amp; Clinic" in (await browse("/scorecards")).text

    async def test_what_is_not_open_is_not_there(self, browse: Browse) -> None:
        assert "sickness" not in (await browse("/scorecards")).text.lower()
        assert (await browse("/scorecards?indicator=sickness")).status_code == 404

    async def test_it_offers_the_same_numbers_as_csv(self, browse: Browse) -> None:
        page = await browse("/scorecards?region=north&period=2018-01")

        link = re.search(r'href="(/v1/results.csv[^"]*)">Download these numbers', page.text)
        assert link is not None
        answer = await browse(link[1].replace("&amp;", "&"))
        assert answer.status_code == 200
        assert len(answer.text.splitlines()) > 1

    @pytest.mark.parametrize("query", ["status=good", "sort=colour", "period=soon"])
    async def test_a_filter_that_means_nothing_is_answered_with_a_page(self, browse: Browse, query: str) -> None:
        page = await browse(f"/scorecards?{query}")

        assert page.status_code == 422
        assert page.headers["content-type"].startswith("text/html")
        assert query.split("=")[1] in page.text


class TestScorecard:
    async def test_it_says_value_target_status_rule_and_period(self, browse: Browse) -> None:
        page = await browse("/scorecards/N2?period=2019-03")

        for said in ("March 2019", "95.00 % or more", "Target not met", "is below the target", "Reported"):
            assert said in page.text.replace("\N{NO-BREAK SPACE}", " ")
        assert re.search(r'<strong class="big number">\d+\.\d\d %</strong>', page.text)

    async def test_it_says_variation_and_assurance_in_words(self, browse: Browse) -> None:
        page = await browse("/scorecards/N2")

        assert "Unlikely to meet the target without a change" in page.text
        assert re.search(r"No unusual change|Getting better|Getting worse", page.text)

    async def test_the_table_holds_every_month_of_the_chart_and_its_gap_is_no_zero(self, browse: Browse) -> None:
        page = await browse("/scorecards/N2")

        table = [row for row in Cells(page.text).rows if row and re.match(r"\w+ 20\d\d$", row[0])]
        assert len(table) == 23
        assert page.text.count('class="chart-gap"') == 2
        assert all(float(row[1]) > 50 for row in table)

    async def test_a_survey_says_that_its_answers_are_simulated(self, browse: Browse) -> None:
        page = await browse("/scorecards/N1")

        assert "Simulated answers" in page.text
        assert "/surveys/visit" in page.text

    async def test_the_tree_leads_up_and_down(self, browse: Browse) -> None:
        region = (await browse("/scorecards/north")).text

        assert 'href="/scorecards/root">Rivershire' in region
        assert region.index('href="/scorecards/N2"') < region.index('href="/scorecards/N1"')

    async def test_a_region_says_how_many_units_reported(self, browse: Browse) -> None:
        assert "2 of 2 expected units reported" in (await browse("/scorecards/north")).text

    async def test_what_is_not_open_is_not_there(self, browse: Browse) -> None:
        assert "sickness" not in (await browse("/scorecards/N1")).text.lower()

    async def test_the_last_figure_of_a_unit_that_stopped_says_so(self, browse: Browse) -> None:
        page = (await browse("/scorecards/S2")).text

        assert "March 2018" in page
        assert "no longer expected to report" in page

    async def test_the_whole_record_can_be_chosen_and_left_again(self, browse: Browse) -> None:
        page = (await browse("/scorecards/N2?period=record")).text

        assert "Whole record from April 2017" in page
        assert '<option value="record" selected>' in page
        assert '<option value="2019-03">March 2019' in page

    async def test_an_update_that_is_held_back_is_said(self, browse: Browse, reporting: FastAPI) -> None:
        letter = DeadLetter(
            consumer="reporting", log_id=known_as("log"), position=9, event_id=known_as("event"), set_aside_at=AT,
            type="steward.goals.evaluation.made.v1", subject=known_as("result/waits/N2"), subject_version=9,
            envelope="{}", reason="unreadable",
        )  # fmt: skip
        async with transaction(reporting.state.sessions) as session:
            session.add(letter)

        page, board = (await browse("/scorecards/N2")).text, (await browse("/scorecards?q=N2")).text

        async with transaction(reporting.state.sessions) as session:
            await session.delete(letter)
        assert "Update held back" in page
        assert "update held back" in board
        assert "pdate held back" not in (await browse("/scorecards/N2")).text

    async def test_a_correction_shows(self, browse: Browse) -> None:
        assert "March 2019 <span>(corrected)</span>" in (await browse("/scorecards/N2")).text

    async def test_steps_of_a_score_are_not_called_corrections(self, browse: Browse) -> None:
        _, _, fed = (await browse("/scorecards/N1")).text.partition("Would recommend us</h2>")
        fed, _, _ = fed.partition("</article>")

        assert "March 2019" in fed
        assert "corrected" not in fed

    async def test_a_period_in_which_nothing_is_expected_is_not_called_missing(self, browse: Browse) -> None:
        page = (await browse("/scorecards/S2?period=2019-03")).text

        assert "Not expected" in page
        assert "missing" not in page

    async def test_an_unknown_unit_is_a_page_with_404(self, browse: Browse) -> None:
        page = await browse("/scorecards/nobody")

        assert page.status_code == 404
        assert "No such unit" in page.text


class TestEveryPage:
    @pytest.mark.parametrize("path", ["/scorecards", "/scorecards/root", "/scorecards/nobody"])
    async def test_it_has_no_script_and_no_style_in_itself(self, browse: Browse, path: str) -> None:
        page = await browse(path)

        assert re.sub(r'<script src="/static/[^"]+" type="module"></script>', "", page.text).count("<script") == 0
        assert "style=" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")

    @pytest.mark.parametrize("path", ["/scorecards", "/scorecards/root"])
    async def test_it_may_be_kept_by_anybody_for_a_moment(self, browse: Browse, path: str) -> None:
        assert (await browse(path)).headers["cache-control"].startswith("public, max-age=")

    async def test_its_stylesheet_is_there_and_kept_for_a_year(self, browse: Browse) -> None:
        link = re.search(r'href="(/static/steward.css\?v=\w+)"', (await browse("/scorecards")).text)

        assert link is not None
        sheet = await browse(link[1])
        assert sheet.status_code == 200
        assert "max-age=31536000" in sheet.headers["cache-control"]


class TestTemplates:
    def test_a_misspelt_value_is_an_error_and_a_parameter_left_out_is_not(self) -> None:
        ours = environment().from_string("{{ unit.nmae }}")
        macro = environment().from_string("[{{ params.label.text }}]")

        with pytest.raises(UndefinedError):
            ours.render(unit=UnitRef(known_as("N1"), "N1", {"en": "Northgate"}, "organisation"))
        assert macro.render(params={}) == "[]"

    def test_no_two_folders_hold_a_template_of_the_same_name(self) -> None:
        loader = environment().loader
        assert loader is not None
        folders = loader.loaders[0].searchpath  # type: ignore[attr-defined]  # a ChoiceLoader, folders first
        found = [path.name for folder in folders for path in Path(folder).rglob("*.html")]

        assert len(found) == len(set(found))
        assert len(folders) > 2
