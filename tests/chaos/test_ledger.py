"""The comparison of what was acknowledged with what is there finds what it is for."""

from pathlib import Path

from tests.fixtures.ledger import Ledger, Told, faults

TOLD = tuple(Told(f"{subject}{version}", subject, version) for version in (1, 2, 3) for subject in "ab")
MADE_UP = Told("c1", "c", 1)


class TestFaults:
    def test_the_truth_has_no_faults(self) -> None:
        assert list(faults(TOLD, TOLD)) == []

    def test_a_lost_event_is_found(self) -> None:
        assert list(faults(TOLD, TOLD[:2] + TOLD[3:])) == [f"lost: {TOLD[2]}"]

    def test_the_last_event_of_all_may_not_be_lost_either(self) -> None:
        assert list(faults(TOLD, TOLD[:-1])) == [f"lost: {TOLD[-1]}"]

    def test_a_doubled_event_is_found(self) -> None:
        assert f"there 2 times: {TOLD[-1]}" in faults(TOLD, (*TOLD, TOLD[-1]))

    def test_two_swapped_events_of_one_subject_are_found(self) -> None:
        swapped = (TOLD[2], TOLD[1], TOLD[0], *TOLD[3:])

        assert list(faults(TOLD, swapped)) == ["out of order: version 1 of a after 2"]

    def test_events_of_two_subjects_may_change_places(self) -> None:
        assert list(faults(TOLD, (TOLD[1], TOLD[0], *TOLD[2:]))) == []

    def test_an_event_that_nobody_acknowledged_is_found(self) -> None:
        assert list(faults(TOLD, (*TOLD, MADE_UP))) == [f"never acknowledged: {MADE_UP}"]

    def test_an_event_that_nobody_acknowledged_is_no_fault_where_clients_may_give_up(self) -> None:
        assert list(faults(TOLD, (*TOLD, MADE_UP), others_too=True)) == []

    def test_all_the_rest_is_a_fault_there_too(self) -> None:
        found = (TOLD[2], TOLD[0], TOLD[1], TOLD[1])

        assert {fault.split(":")[0] for fault in faults(TOLD[:5], found, others_too=True)} == {
            "lost",
            "there 2 times",
            "out of order",
        }


def test_a_ledger_reads_what_was_noted_before_it_was_opened(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        for told in TOLD[:2]:
            ledger.note(told)

    with Ledger(tmp_path / "ledger") as ledger:
        ledger.note(TOLD[2])
        assert ledger.read() == list(TOLD[:3])
