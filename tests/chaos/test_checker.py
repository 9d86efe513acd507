"""The checker finds what it is for: one planted fault after the other, in feeds and ledgers as they really look."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.chaos.checker import evaluations_in, written_in
from tests.chaos.truth import FEED, Faults, Truth, Walk

Events = list[dict[str, Any]]
A, B = (str(UUID(int=number)) for number in (1, 2))


def recorded(position: int, subject: str, version: int, value: int) -> dict[str, Any]:
    """A measurement as goals' feed tells of it, with as many vintages as the subject has versions."""
    recorded_value = {"value": str(value), "vintage": version, "period": {"frequency": "month", "start": "2019-01-01"}}
    return {
        "type": "steward.goals.measurement.recorded.v1",
        "subject": subject,
        "subjectversion": str(version),
        "position": str(position),
        "logid": str(UUID(int=9)),
        "recordedat": f"2026-03-02T09:30:{position:02}Z",
        "previous": f"{position - 1:064}",
        "hash": f"{position:064}",
        "data": {"source": "reported", "values": [recorded_value]},
    }


def the_log() -> Events:
    """Six values of two series."""
    subjects = [A, B, A, B, A, B]
    return [recorded(place, subject, (place + 1) // 2, place) for place, subject in enumerate(subjects, start=1)]


def acknowledgements(events: Events) -> Iterator[dict[str, Any]]:
    """What a client would have written down about them."""
    for event in events:
        (value,) = event["data"]["values"]
        yield {
            "kind": "value",
            "token": value["value"],
            "subject": event["subject"],
            "version": int(event["subjectversion"]),
            "id": "",
            "number": value["vintage"],
            "place": f"chaos-own/{event['subject']}/2019-01-01",
        }


def renumbered(events: Events) -> Events:
    """The events as a sequencer would have numbered and chained them, had it been given these."""
    return [
        {**event, "position": str(place), "previous": f"{place - 1:064}", "hash": f"{place:064}"}
        for place, event in enumerate(events, start=1)
    ]


@pytest.fixture
def compare(tmp_path: Path) -> Callable[[Events, Events], Faults]:
    """What the checker says of a log, where clients were told of what another one holds."""

    def compared(told: Events, there: Events) -> Faults:
        ledger = tmp_path / "ledger"
        ledger.write_text("".join(json.dumps(each) + "\n" for each in acknowledgements(told)))
        faults = Faults()
        walk = Walk("goals", faults)
        with Truth(tmp_path / "truth") as truth:
            assert truth.take_acknowledgements([ledger]) == len(told)
            for event in there:
                walk.pass_by(event)
            truth.find(FEED, (row for event in there for row in written_in(event)))
            truth.compare(FEED, ["value"], faults)
            truth.vintages_in_order(faults)
        return faults

    return compared


class TestPlantedFaults:
    def test_a_log_as_it_was_told_has_none(self, compare: Callable[[Events, Events], Faults]) -> None:
        assert compare(the_log(), the_log()) == Faults()

    def test_one_lost_before_it_was_numbered_is_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        log = the_log()

        faults = compare(log, renumbered(log[:2] + log[3:]))

        assert "lost: value 3 (feed)" in faults.examples
        assert f"lost: position 4 of goals is version 3 of {A}, expected 2" in faults.examples

    def test_the_last_one_lost_is_found_though_no_gap_shows_it(
        self, compare: Callable[[Events, Events], Faults]
    ) -> None:
        assert compare(the_log(), the_log()[:-1]) == Faults(lost=1, examples=["lost: value 6 (feed)"])

    def test_one_lost_after_it_was_numbered_is_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        log = the_log()

        assert "out of order: position 4 of goals after 2" in compare(log, log[:2] + log[3:]).examples

    def test_one_there_twice_is_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        log = the_log()

        faults = compare(log, renumbered([*log, log[-1]]))

        assert "twice: value 6 (feed)" in faults.examples

    def test_one_done_twice_under_a_version_of_its_own_is_found(
        self, compare: Callable[[Events, Events], Faults]
    ) -> None:
        log = the_log()

        faults = compare(log, [*log, recorded(7, B, 4, 6)])

        assert faults.twice == 1
        assert "twice: value 6 (feed)" in faults.examples

    def test_two_swapped_are_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        log = the_log()
        log[2], log[4] = log[4], log[2]

        faults = compare(the_log(), renumbered(log))

        assert faults.out_of_order > 0
        assert f"{A}/2019-01-01 has vintage 3 where 2 was due" in "\n".join(faults.examples)

    def test_one_that_nobody_has_sent_is_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        log = the_log()

        assert compare(log[:-1], log) == Faults(made_up=1, examples=["made up: value 6 (feed)"])

    def test_one_told_with_another_version_is_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        told = the_log()
        told[-1]["subjectversion"] = "2"

        assert compare(told, the_log()).examples == ["out of order: value 6 (feed)"]

    def test_a_chain_that_does_not_continue_is_found(self, compare: Callable[[Events, Events], Faults]) -> None:
        log = the_log()
        log[3]["previous"] = "f" * 64

        assert compare(the_log(), log).examples == [
            "out of order: position 4 of goals does not continue the event before it"
        ]


class TestWhatIsReflected:
    @pytest.fixture
    def truth(self, tmp_path: Path) -> Iterator[Truth]:
        """A truth to which two series with three values each were told."""
        (tmp_path / "ledger").write_text("".join(json.dumps(each) + "\n" for each in acknowledgements(the_log())))
        with Truth(tmp_path / "truth") as truth:
            truth.take_acknowledgements([tmp_path / "ledger"])
            yield truth

    def test_a_series_whose_evaluation_stops_before_its_last_value_is_found(self, truth: Truth) -> None:
        made = [
            {
                "type": "steward.goals.evaluation.made.v1",
                "data": {"series_id": subject, "inputs_version": version},
            }
            for subject, version in ((A, 3), (B, 1), (B, 2))
        ]

        truth.evaluate(evaluations_in(made))

        assert truth.not_evaluated() == [B]

    def test_a_period_that_reporting_shows_with_an_older_value_is_found(self, truth: Truth) -> None:
        truth.show([(f"chaos-own/{A}/2019-01-01", "5"), (f"chaos-own/{B}/2019-01-01", "4")])

        assert truth.not_shown() == [f"chaos-own/{B}/2019-01-01: 4 instead of 6"]

    def test_a_period_that_reporting_does_not_show_is_found(self, truth: Truth) -> None:
        truth.show([(f"chaos-own/{A}/2019-01-01", "5")])

        assert truth.not_shown() == [f"chaos-own/{B}/2019-01-01: None instead of 6"]
