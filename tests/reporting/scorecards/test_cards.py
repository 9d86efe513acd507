"""The scorecard of one unit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.errors import NothingKnownYet, UnitNotFound
from services.reporting.scorecards.domain.answers import Tile
from services.reporting.scorecards.domain.asking import asked_period
from services.reporting.scorecards.queries.cards import scorecard
from shared.contracts import TargetValue
from tests.reporting.told import (
    AT,
    assignment,
    body,
    calendar,
    evaluation,
    hear,
    indicator,
    period,
    recorded,
    set_aside,
    small_world,
    survey,
    uid,
    unit,
)

FEBRUARY, MARCH, APRIL = date(2019, 2, 1), date(2019, 3, 1), date(2019, 4, 1)


@contextmanager
def counted_statements(session: AsyncSession) -> Iterator[list[str]]:
    """Every statement that the session sends meanwhile."""
    statements: list[str] = []
    engine = session.get_bind().engine

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def tile_of(session: AsyncSession, unit_code: str = "RF4", asked: str | None = None, at: int = 0) -> Tile:
    card = await scorecard(session, unit_code, period=asked_period(asked) if asked else None)
    return card.tiles[at]


class TestUnit:
    async def test_it_is_found_by_code_and_by_id(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())

        by_code = await scorecard(reporting_session, "RF4")
        by_id = await scorecard(reporting_session, str(uid("RF4")))

        assert by_code.unit.code == by_id.unit.code == "RF4"

    async def test_it_stands_in_its_tree(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())

        card = await scorecard(reporting_session, "london")

        assert [parent.code for parent in card.parents] == ["england"]
        assert [child.code for child in card.children] == ["RF4", "RQM"]

    async def test_an_unknown_unit_is_not_found(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())

        with pytest.raises(UnitNotFound):
            await scorecard(reporting_session, "XXX")

    async def test_before_the_body_is_known_the_reader_is_asked_to_come_back(
        self, reporting_session: AsyncSession
    ) -> None:
        with pytest.raises(NothingKnownYet):
            await scorecard(reporting_session, "RF4")

    async def test_units_in_a_ring_do_not_hang_the_reader(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, body("a"), unit("a", parent="b"), unit("b", parent="a"))

        assert len((await scorecard(reporting_session, "a")).children) == 1


class TestPeriod:
    async def test_without_one_asked_for_it_is_the_latest_with_information(
        self, reporting_session: AsyncSession
    ) -> None:
        await hear(reporting_session, *small_world())
        await hear(reporting_session, evaluation("RF4", period(FEBRUARY), period(MARCH, None, None)))

        figure = (await tile_of(reporting_session)).figure

        assert figure.period is not None
        assert (figure.period.start, figure.period.label) == (FEBRUARY, "February 2019")

    async def test_the_one_asked_for_is_shown_though_it_is_missing(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())
        await hear(reporting_session, evaluation("RF4", period(FEBRUARY), period(MARCH, None, None)))

        figure = (await tile_of(reporting_session, asked="2019-03")).figure

        assert (figure.value, figure.status, figure.obs_status) == (None, "no_information", "O")
        assert figure.status_sentence == "No value has been reported for this period."

    async def test_a_day_means_the_period_that_contains_it(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())
        await hear(
            reporting_session, evaluation("RF4", period(MARCH), period(date(2018, 4, 1), frequency="year", within="1"))
        )

        tile = await tile_of(reporting_session, asked="year:2019-03-17")

        assert tile.figure.period is not None
        assert (tile.figure.period.label, tile.figure.numerator) == ("2018/19", Decimal(1))
        assert [point.period.frequency for point in tile.history] == ["year"]

    async def test_a_period_not_evaluated_yet_is_expected_of_an_assigned_unit(
        self, reporting_session: AsyncSession
    ) -> None:
        await hear(reporting_session, *small_world())

        figure = (await tile_of(reporting_session, asked="2019-04")).figure

        assert (figure.status, figure.coverage.expected, figure.period and figure.period.start) == (
            "no_information",
            1,
            APRIL,
        )
        assert (figure.obs_status, figure.missing_reason) == ("O", "not_reported")

    async def test_after_the_assignment_nothing_is_expected(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world(), assignment("RF4", until=date(2019, 3, 31), version=2))

        figure = (await tile_of(reporting_session, asked="2019-04")).figure

        assert (figure.status, figure.coverage.expected) == ("not_expected", 0)
        assert (figure.obs_status, figure.missing_reason) == ("M", "not_expected")

    @pytest.mark.parametrize(("until", "last"), [(date(2019, 3, 31), True), (date(2019, 4, 1), False), (None, False)])
    async def test_the_last_number_after_an_ended_assignment_is_known_as_such(
        self, reporting_session: AsyncSession, until: date | None, last: bool
    ) -> None:
        await hear(reporting_session, *small_world(), assignment("RF4", until=until, version=2))
        await hear(reporting_session, evaluation("RF4", period(FEBRUARY), period(MARCH)))

        tile = await tile_of(reporting_session)

        assert (tile.figure.period and tile.figure.period.start, tile.no_longer_expected) == (MARCH, last)

    async def test_the_whole_record_stands_beside_it(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())
        await hear(
            reporting_session, evaluation("RF4", period(MARCH), period(FEBRUARY, "9000", "10000", frequency="record"))
        )

        tile = await tile_of(reporting_session)

        assert tile.record is not None
        assert (tile.record.value, tile.record.period and tile.record.period.label) == (
            Decimal(90),
            "Whole record from February 2019",
        )
        assert [point.period.start for point in tile.history] == [MARCH]


class TestTile:
    async def test_an_inherited_target_names_whose_it_is(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world())
        await hear(reporting_session, evaluation("RF4", period(target_inherited_from=uid("england"))))

        figure = (await tile_of(reporting_session)).figure

        assert figure.target is not None
        assert figure.target.inherited_from is not None
        assert (figure.target.value, figure.target.inherited_from.code) == (Decimal(95), "england")
        assert figure.status_sentence == (
            "86.60 % is below the target of 95.00 % or more. "
            "It is the target of England, which holds for the units below."
        )

    async def test_a_range_keeps_its_bounds(self, reporting_session: AsyncSession) -> None:
        asked = TargetValue(type="range", low=Decimal("80.5"), high=Decimal(90))
        await hear(reporting_session, *small_world())
        await hear(reporting_session, evaluation("RF4", period(target=asked, status="met", status_rule="in_range")))

        sentence = (await tile_of(reporting_session)).figure.status_sentence

        assert sentence == "86.60 % lies inside the range from 80.50 % to 90.00 %."

    async def test_a_corrected_month_shows_its_vintages(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world(), *recorded("RF4", 1, 2))
        await hear(reporting_session, evaluation("RF4", period(FEBRUARY), period(MARCH)))

        history = (await tile_of(reporting_session)).history

        assert [(point.vintages, point.corrections) for point in history] == [(None, None), (2, 1)]

    async def test_steps_of_a_score_are_no_corrections(self, reporting_session: AsyncSession) -> None:
        scored = recorded("RF4", 1, 2, 3, source="feedback")
        await hear(reporting_session, *small_world(), *scored, evaluation("RF4", period(MARCH)))

        (point,) = (await tile_of(reporting_session)).history
        await hear(reporting_session, *recorded("RF4", 4, 5))
        (corrected,) = (await tile_of(reporting_session)).history

        assert (point.vintages, point.corrections) == (3, 0)
        assert (corrected.vintages, corrected.corrections) == (5, 1)

    async def test_an_indicator_without_its_calendar_waits(self, reporting_session: AsyncSession) -> None:
        known = [each for each in small_world() if each.data != calendar().data]
        await hear(reporting_session, *known, evaluation("RF4"))
        before = await scorecard(reporting_session, "RF4")

        await hear(reporting_session, calendar())

        assert (len(before.tiles), len((await scorecard(reporting_session, "RF4")).tiles)) == (0, 1)

    async def test_a_survey_that_feeds_it_lends_its_notice(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world(), indicator("satisfaction"), assignment("RF4", "satisfaction"))
        await hear(reporting_session, survey(feeds="satisfaction"))

        tile = await tile_of(reporting_session, at=1)

        assert tile.notice == {"en": "Simulated answers"}
        assert [(each.code, each.state) for each in tile.surveys] == [("friends", "open")]

    async def test_a_survey_that_is_a_draft_is_not_told_of(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world(), indicator("satisfaction"), assignment("RF4", "satisfaction"))
        await hear(reporting_session, survey(feeds="satisfaction", state="draft"))

        tile = await tile_of(reporting_session, at=1)

        assert (tile.notice, tile.surveys) == (None, ())

    async def test_it_brings_its_control_chart(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world(), evaluation("RF4", period(FEBRUARY), period(MARCH)))

        tile = await tile_of(reporting_session)

        assert tile.chart is not None
        assert tile.chart.starts == (FEBRUARY, MARCH)


class TestHeldBack:
    @pytest.mark.parametrize("subject", ["ae_4h RF4 result", "ae_4h RF4 series", "ae_4h"])
    async def test_a_tile_whose_update_was_set_aside_says_so(
        self, reporting_session: AsyncSession, subject: str
    ) -> None:
        await hear(reporting_session, *small_world(), evaluation("RF4"), evaluation("RQM"))

        reporting_session.add(set_aside(subject))
        await reporting_session.flush()

        assert (await tile_of(reporting_session)).held_back

    async def test_its_replay_ends_that(self, reporting_session: AsyncSession) -> None:
        await hear(reporting_session, *small_world(), evaluation("RF4"))
        letter = set_aside("ae_4h RF4 result")
        reporting_session.add(letter)
        await reporting_session.flush()

        letter.resolved_at = AT
        await reporting_session.flush()

        assert not (await tile_of(reporting_session)).held_back

    async def test_totals_above_count_the_parts_held_back(self, reporting_session: AsyncSession) -> None:
        total = evaluation("england", period(held_back=1), own_series=False)
        await hear(reporting_session, *small_world(), evaluation("RF4"), evaluation("RQM"), total)

        reporting_session.add(set_aside("ae_4h RF4 result"))
        await reporting_session.flush()
        tile = await tile_of(reporting_session, "england")

        assert (tile.figure.coverage.held_back, tile.held_back) == (2, False)


async def test_a_scorecard_costs_the_same_for_one_indicator_or_fifty(reporting_session: AsyncSession) -> None:
    await hear(reporting_session, *small_world(), evaluation("RF4"))
    for number in range(50):
        code = f"i{number:02}"
        await hear(reporting_session, indicator(code), assignment("RQM", code), evaluation("RQM", code=code))

    with counted_statements(reporting_session) as small:
        one = await scorecard(reporting_session, "RF4")
    with counted_statements(reporting_session) as large:
        fifty = await scorecard(reporting_session, "RQM")

    assert (len(one.tiles), len(fifty.tiles)) == (1, 51)
    assert len(large) == len(small)
    assert len(small) > 5
