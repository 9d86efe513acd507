"""The comparison with reference packages: that it passes, and that it would not pass a wrong number."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.run import compare, main

DATA = Path(__file__).parent / "data"


def altered(folder: Path, change: Any) -> Path:
    """A copy of the expected values with one of them changed."""
    content = json.loads((DATA / "plotthedots.json").read_text())
    change(content["cases"][0]["expected"])
    (folder / "plotthedots.json").write_text(json.dumps(content))
    return folder


def a_limit(expected: dict[str, Any]) -> None:
    expected["upl"][3] *= 1 + 1e-8


def a_flag(expected: dict[str, Any]) -> None:
    expected["outside_limits"][4] = False


def an_icon(expected: dict[str, Any]) -> None:
    expected["variation_icon"] = "improvement_high.svg"


def a_missing_point(expected: dict[str, Any]) -> None:
    expected["mean"].append(1.0)


class TestCompare:
    def test_every_case_is_equal_but_the_one_that_is_named(self) -> None:
        result = compare(DATA)["plotthedots.json"]

        assert (result["cases"], result["equal"], result["different"]) == (46, 45, 1)
        assert list(result["explained"]) == ["constant_series_target_above"]
        assert result["unexplained"] == {}

    @pytest.mark.parametrize("change", [a_limit, a_flag, an_icon, a_missing_point])
    def test_a_wrong_number_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
        monkeypatch.chdir(tmp_path)

        assert main(altered(tmp_path, change)) == 1

        written = json.loads((tmp_path / "build/oracles.json").read_text())
        assert list(written["plotthedots.json"]["unexplained"]) == ["vignette_deviations_screened"]

    def test_the_exception_covers_limits_and_assurance_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        content = json.loads((DATA / "plotthedots.json").read_text())
        constant = next(case for case in content["cases"] if case["name"] == "constant_series_target_above")
        constant["expected"]["mean"][0] += 1
        (tmp_path / "plotthedots.json").write_text(json.dumps(content))

        assert main(tmp_path) == 1

    def test_a_file_without_an_answer_is_not_counted_as_equal(self, tmp_path: Path) -> None:
        (tmp_path / "other.json").write_text(json.dumps({"cases": [{}, {}]}))

        assert compare(tmp_path) == {"other.json": {"cases": 2, "equal": 0, "different": 0, "skipped": 2}}
