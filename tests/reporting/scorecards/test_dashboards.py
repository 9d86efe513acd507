"""Units side by side."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
import pytest_asyncio
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.errors import UnitNotFound
from services.reporting.scorecards.domain.answers import Dashboard
from services.reporting.scorecards.domain.asking import DashboardFilters, asked_period
from services.reporting.scorecards.errors import IndicatorNotFound
from services.reporting.scorecards.queries.dashboards import dashboard
from shared.http.auth import UnitScope
from shared.http.pages import BadCursor, BadSort, PageSettings
from tests.reporting.told import assignment, body, calendar, evaluation, hear, indicator, period, unit

MARCH = date(2019, 3, 1)


@pytest_asyncio.fixture
async def session(reporting_session: AsyncSession) -> AsyncSession:
    """Three organisations report March, one is missing, one closed the year before; an internal indicator beside."""
    await hear(
        reporting_session,
        body(),
        unit("england", "England", parent=None, level="national"),
        unit("london", "London", level="region"),
        unit("north", "North", level="region"),
        unit("A1", "Ångström Infirmary", parent="london"),
        unit("B2", "Barking 100% Hospital", parent="london"),
        unit("C3", "Carlisle", parent="north"),
        unit("D4", "Durham", parent="north"),
        unit("E5", "Ely", parent="north"),
        calendar(),
        indicator(),
        indicator("sickness", disclosure_class="internal"),
        *(assignment(code) for code in ("A1", "B2", "C3", "D4")),
        assignment("E5", until=date(2018, 3, 31)),
        evaluation("england", period(MARCH, "8600", reported=3, expected=4), own_series=False),
        evaluation("north", period(MARCH, "9700"), own_series=False),
        evaluation("A1", period(MARCH, "9600")),
        evaluation("B2", period(MARCH, "8000")),
        evaluation("C3", period(MARCH, "9700")),
        evaluation("D4", period(date(2018, 3, 1)), period(MARCH, None, None)),
        evaluation("E5", period(date(2018, 3, 1))),
        evaluation("A1", period(MARCH, "400"), code="sickness"),
        evaluation("C3", period(MARCH, "500"), code="sickness"),
    )
    return reporting_session


def codes(board: Dashboard) -> list[str]:
    return [row.unit.code for row in board.rows]


class TestPeriod:
    async def test_all_units_stand_in_the_latest_period_with_information(self, session: AsyncSession) -> None:
        board = await dashboard(session, DashboardFilters())

        assert board.columns[0].period is not None
        assert board.columns[0].period.label == "March 2019"
        assert [(row.unit.code, row.cells[0].figure.status) for row in board.rows] == [
            ("A1", "met"),
            ("B2", "not_met"),
            ("C3", "met"),
            ("D4", "no_information"),
            ("E5", "not_expected"),
        ]

    async def test_statuses_are_counted_over_all_units_whatever_status_is_filtered_for(
        self, session: AsyncSession
    ) -> None:
        board = await dashboard(session, DashboardFilters(status="met"))

        assert {status: count for status, count in board.counts.items() if count} == {
            "met": 2,
            "not_met": 1,
            "no_information": 1,
            "not_expected": 1,
        }
        assert codes(board) == ["A1", "C3"]

    async def test_another_period_can_be_asked_for(self, session: AsyncSession) -> None:
        board = await dashboard(session, DashboardFilters(period=asked_period("2018-03")))

        assert [row.cells[0].figure.value is not None for row in board.rows] == [False, False, False, True, True]

    async def test_the_whole_body_stands_above(self, session: AsyncSession) -> None:
        board = await dashboard(session, DashboardFilters())

        assert board.above is not None
        figure = board.above.cells[0].figure
        assert (board.above.unit.code, figure.value) == ("england", Decimal(86))
        assert (figure.coverage.reported, figure.coverage.expected) == (3, 4)


class TestFilters:
    @pytest.mark.parametrize(
        ("q", "found"),
        [("angstrom", ["A1"]), ("INFIRMARY", ["A1"]), ("b2", ["B2"]), ("100%", ["B2"]), ("%", ["B2"]), ("_", [])],
    )
    async def test_a_part_of_name_or_code_finds_units_whatever_case_and_accents(
        self, session: AsyncSession, q: str, found: Sequence[str]
    ) -> None:
        assert codes(await dashboard(session, DashboardFilters(q=q))) == found

    async def test_a_region_shows_the_units_below_and_itself_above(self, session: AsyncSession) -> None:
        board = await dashboard(session, DashboardFilters(region="north"))

        assert codes(board) == ["C3", "D4", "E5"]
        assert board.above is not None
        assert board.above.unit.code == "north"

    async def test_an_unknown_region_is_not_found(self, session: AsyncSession) -> None:
        with pytest.raises(UnitNotFound):
            await dashboard(session, DashboardFilters(region="south"))

    async def test_another_level_can_be_shown(self, session: AsyncSession) -> None:
        assert codes(await dashboard(session, DashboardFilters(level="region"))) == ["london", "north"]

    async def test_it_says_what_can_be_chosen(self, session: AsyncSession) -> None:
        board = await dashboard(session, DashboardFilters())

        assert [region.code for region in board.regions] == ["london", "north"]
        assert board.levels == ("national", "organisation", "region")
        assert [each.code for each in board.indicators] == ["ae_4h"]


class TestOrder:
    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("-code", ["E5", "D4", "C3", "B2", "A1"]),
            ("-name", ["E5", "D4", "C3", "B2", "A1"]),
            ("value", ["B2", "A1", "C3", "D4", "E5"]),
            ("-value", ["C3", "A1", "B2", "D4", "E5"]),
            ("status", ["B2", "A1", "C3", "D4", "E5"]),
        ],
    )
    async def test_units_without_a_value_come_last_either_way(
        self, session: AsyncSession, sort: str, expected: Sequence[str]
    ) -> None:
        assert codes(await dashboard(session, DashboardFilters(sort=sort))) == expected

    @pytest.mark.parametrize("sort", ["name", "value", "-value", "-status"])
    async def test_pages_follow_each_other_without_loss_or_repetition(self, session: AsyncSession, sort: str) -> None:
        whole = codes(await dashboard(session, DashboardFilters(sort=sort)))

        walked: list[str] = []
        cursor = None
        for _ in range(3):
            board = await dashboard(session, DashboardFilters(sort=sort, limit=2, cursor=cursor))
            walked, cursor = walked + codes(board), board.next

        assert (walked, cursor) == (whole, None)

    async def test_pages_follow_each_other_past_the_longest_names(self, session: AsyncSession) -> None:
        longest = "\N{DEVANAGARI LETTER A}" * 2000
        await hear(session, *(unit(code, longest, level="team") for code in ("T1", "T2", "T3")))
        first = await dashboard(session, DashboardFilters(level="team", limit=1))
        assert first.next is not None
        query = PageSettings(cursor=first.next)

        second = await dashboard(session, DashboardFilters(level="team", cursor=query.cursor))

        assert codes(first) + codes(second) == ["T1", "T2", "T3"]

    async def test_what_cannot_be_sorted_by_is_refused(self, session: AsyncSession) -> None:
        with pytest.raises(BadSort):
            await dashboard(session, DashboardFilters(sort="colour"))

    async def test_a_made_up_cursor_is_refused(self, session: AsyncSession) -> None:
        with pytest.raises(BadCursor):
            await dashboard(session, DashboardFilters(cursor="W251bGwsICJ4Il0"))


class TestWhoMaySee:
    async def test_the_public_does_not_find_what_is_not_open(self, session: AsyncSession) -> None:
        with pytest.raises(IndicatorNotFound):
            await dashboard(session, DashboardFilters(indicators=("sickness",)))

    async def test_rights_elsewhere_do_not_help(self, session: AsyncSession) -> None:
        with pytest.raises(IndicatorNotFound):
            await dashboard(
                session, DashboardFilters(indicators=("sickness",)), scope=UnitScope(codes=frozenset(["B2"]))
            )

    async def test_rights_for_a_region_show_its_units_and_no_others(self, session: AsyncSession) -> None:
        north = UnitScope(codes=frozenset(["north"]))

        board = await dashboard(session, DashboardFilters(indicators=("sickness", "ae_4h")), scope=north)

        assert codes(board) == ["C3", "D4", "E5"]
        assert board.above is None
        assert board.rows[0].cells[0].figure.value == Decimal(5)

    async def test_units_outside_do_not_decide_which_period_is_shown(self, session: AsyncSession) -> None:
        await hear(session, evaluation("A1", period(date(2019, 4, 1), "410"), code="sickness", version=2))
        north = UnitScope(codes=frozenset(["north"]))

        inside = await dashboard(session, DashboardFilters(indicators=("sickness",)), scope=north)
        everywhere = await dashboard(
            session, DashboardFilters(indicators=("sickness",)), scope=UnitScope(everywhere=True)
        )

        starts = [board.columns[0].period and board.columns[0].period.start for board in (inside, everywhere)]
        assert starts == [MARCH, date(2019, 4, 1)]

    async def test_rights_everywhere_show_everything(self, session: AsyncSession) -> None:
        board = await dashboard(session, DashboardFilters(indicators=("sickness",)), scope=UnitScope(everywhere=True))

        assert len(board.rows) == 5
