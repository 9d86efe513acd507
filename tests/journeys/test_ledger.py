"""The comparison itself finds what it is there to find."""

from pathlib import Path

from tests.journeys.ledger import NONE, Damage, Ledger, damage

ACKNOWLEDGED = {"a": ["1", "2", "3"], "b": ["4"]}


def test_what_is_all_there_is_no_damage() -> None:
    assert damage(ACKNOWLEDGED, {"a": ["1", "2", "3"], "b": ["4"]}) == NONE


def test_what_was_never_acknowledged_is_no_damage() -> None:
    assert damage(ACKNOWLEDGED, {"a": ["1", "x", "2", "3"], "b": ["4"], "c": ["5"]}) == NONE


def test_one_lost_is_found() -> None:
    assert damage(ACKNOWLEDGED, {"a": ["1", "3"], "b": ["4"]}) == Damage(lost=1, twice=0, out_of_order=0)


def test_one_doubled_is_found() -> None:
    assert damage(ACKNOWLEDGED, {"a": ["1", "2", "2", "3"], "b": ["4"]}) == Damage(lost=0, twice=1, out_of_order=0)


def test_two_swapped_are_found() -> None:
    assert damage(ACKNOWLEDGED, {"a": ["1", "3", "2"], "b": ["4"]}) == Damage(lost=0, twice=0, out_of_order=2)


def test_a_ledger_reads_what_it_wrote(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.acknowledged("a", "1")
        ledger.acknowledged("a", "2")

    with Ledger(tmp_path / "ledger") as ledger:
        assert ledger.read() == {"a": ["1", "2"]}
