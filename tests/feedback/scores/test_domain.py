"""Adding up, and letting out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.scores.domain import Answered, Asked, Known, Tally, is_over, next_release, tallied
from services.feedback.surveys.domain import Option, Question
from shared.periods.calendar import Period

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
OVERALL = Question(
    "overall",
    "single_choice",
    {"en": "?"},
    options=(Option("good", {}, Decimal("1.5")), Option("bad", {}, Decimal("-0.1")), Option("dont_know", {}, None)),
    indicator_id=UUID(int=7),
)
HOURS = Question("hours", "number", {"en": "?"})
WORDS = Question("words", "text", {"en": "?"}, max_length=10)
ASKED = Asked(UUID(int=4), (OVERALL, HOURS, WORDS))


def answered(**answers: str) -> Answered:
    return Answered(ASKED, date(2026, 3, 31), answers)


def cell(count: int, scored: int | None = None) -> Tally:
    return Tally(count=count, scored=count if scored is None else scored, total=Decimal(count))


class TestTallied:
    def test_an_answer_without_a_score_counts_outside_the_denominator(self) -> None:
        given_answers = [answered(overall=option) for option in ("good", "good", "bad", "dont_know")]

        ((key, tally),) = tallied(given_answers).items()

        assert (key.question_id, key.unit_id, key.period) == ("overall", UUID(int=4), Period(date(2026, 3, 1), "month"))
        assert (tally.count, tally.scored, tally.total) == (4, 3, Decimal("2.9"))
        assert tally.squares == Decimal("4.51")
        assert tally.options == {"good": 2, "bad": 1, "dont_know": 1}

    def test_who_left_a_question_out_is_in_none_of_its_numbers(self) -> None:
        tallies = {key.question_id: tally for key, tally in tallied([answered(overall="good"), answered()]).items()}

        assert {id_: tally.count for id_, tally in tallies.items()} == {"overall": 1}

    def test_text_is_not_counted(self) -> None:
        assert tallied([answered(words="hello")]) == {}

    def test_sums_are_exact_to_the_last_digit(self) -> None:
        value = "123456789012345678.123456789012"

        tally = next(iter(tallied([answered(hours=value), answered(hours="0.000000000001")]).values()))

        assert tally.total == Decimal("123456789012345678.123456789013")
        assert len(str(tally.squares).replace(".", "")) > 50

    @given(st.lists(st.sampled_from(["good", "bad", "dont_know"])), st.lists(st.sampled_from(["good", "bad"])))
    def test_it_does_not_matter_in_how_many_steps_answers_are_added(self, one: list[str], two: list[str]) -> None:
        def of(options: list[str]) -> Tally:
            return next(iter(tallied([answered(overall=option) for option in options]).values()), Tally(UUID(int=7)))

        assert of(one).with_more(of(two)) == of([*one, *two]).with_more(Tally())


class TestNextRelease:
    @pytest.mark.parametrize(("gained", "due"), [(9, False), (10, True), (11, True)])
    def test_it_needs_a_whole_step_since_the_last_one(self, gained: int, due: bool) -> None:
        known = Known(release=1, at=LONG_AGO, count=20, scored=20, total=Decimal(20))

        release = next_release(cell(20 + gained), known, step=10, is_over=False, now=NOW)

        assert (release is not None) is due

    def test_it_carries_everything_that_is_in_the_cell(self) -> None:
        release = next_release(cell(17, 15), Known(), step=10, is_over=False, now=NOW)

        assert release is not None
        assert (release.number, release.final, release.count, release.scored, release.total, release.left_out) == (
            1,
            False,
            17,
            15,
            Decimal(17),
            None,
        )

    @pytest.mark.parametrize(("scored", "due"), [(0, False), (1, False), (4, False), (5, True)])
    @pytest.mark.parametrize("before", [0, 20])
    def test_half_of_the_step_must_have_a_score(self, before: int, scored: int, due: bool) -> None:
        known = Known(release=1, at=LONG_AGO, count=before, scored=before, total=Decimal(before))

        release = next_release(cell(before + 10, before + scored), known, step=10, is_over=False, now=NOW)

        assert (release is not None) is due

    def test_at_the_end_a_step_with_few_scores_stays_inside(self) -> None:
        known = Known(release=3, at=LONG_AGO, count=20, scored=19, total=Decimal(77))

        release = next_release(cell(30, 20), known, step=10, is_over=True, now=NOW)

        assert release is not None
        assert (release.final, release.count, release.scored, release.left_out) == (True, 20, 19, 10)

    @pytest.mark.parametrize(("seconds", "due"), [(59, False), (60, True)])
    def test_it_comes_at_most_once_a_minute(self, seconds: int, due: bool) -> None:
        known = Known(release=1, at=NOW - timedelta(seconds=seconds), count=10, scored=10, total=Decimal(10))

        assert (next_release(cell(40), known, step=10, is_over=False, now=NOW) is not None) is due

    def test_a_cell_without_any_score_has_nothing_to_say(self) -> None:
        assert next_release(cell(30, 0), Known(), step=10, is_over=False, now=NOW) is None

    def test_at_the_end_a_whole_step_is_included(self) -> None:
        known = Known(release=3, at=LONG_AGO, count=20, scored=20, total=Decimal(20))

        release = next_release(cell(31), known, step=10, is_over=True, now=NOW)

        assert release is not None
        assert (release.number, release.final, release.count, release.left_out) == (4, True, 31, 0)

    def test_at_the_end_a_smaller_rest_stays_inside_and_its_size_is_told(self) -> None:
        known = Known(release=3, at=LONG_AGO, count=20, scored=19, total=Decimal(77))

        release = next_release(cell(29), known, step=10, is_over=True, now=NOW)

        assert release is not None
        assert (release.number, release.final, release.count, release.scored, release.total, release.left_out) == (
            4,
            True,
            20,
            19,
            Decimal(77),
            9,
        )

    def test_a_cell_that_never_had_a_step_is_never_told_of(self) -> None:
        assert next_release(cell(9), Known(), step=10, is_over=True, now=NOW) is None

    @given(st.lists(st.integers(0, 25), max_size=30), st.integers(10, 20))
    def test_two_releases_never_differ_by_fewer_than_a_step(self, arrivals: list[int], step: int) -> None:
        tally, known, counts = Tally(), Known(), [0]
        for minute, number in enumerate([*arrivals, 0]):
            tally = tally.with_more(cell(number))
            at = NOW + timedelta(minutes=minute)
            release = next_release(tally, known, step=step, is_over=minute == len(arrivals), now=at)
            if release is not None:
                counts.append(release.count)
                known = Known(release.number, at, release.count, release.scored, release.total)

        assert all(after - before >= step or after == before for before, after in pairwise(counts))


class TestIsOver:
    @pytest.mark.parametrize(
        ("now", "over"),
        [
            # March 2026 ends in London at 23:00 UTC, as summer time has begun.
            (datetime(2026, 4, 3, 22, 59, tzinfo=UTC), False),
            (datetime(2026, 4, 3, 23, 0, tzinfo=UTC), True),
        ],
    )
    def test_a_period_is_over_with_the_grace_time_after_its_last_midnight(self, now: datetime, over: bool) -> None:
        march = Period(date(2026, 3, 1), "month")

        assert is_over(march, time_zone="Europe/London", grace=timedelta(days=3), now=now) is over
