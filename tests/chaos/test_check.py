"""The whole of a check, against services that answer as ours do but for one fault: each is found by what it is for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.demo.definitions import EXPERIENCE
from deploy.postgres.bootstrap import SERVICES
from tests.chaos.checker import Checked, Checker

SERIES, INDICATOR, EVALUATION, CELL = (str(UUID(int=number)) for number in range(1, 5))
ANSWERS = [str(UUID(int=number)) for number in range(10, 13)]
SCORE = {"count": 3, "left_out": None, "denominator": "3"}
PLACE = "chaos-own/C0001/2019-01-01"
TOLD: list[dict[str, Any]] = [
    {"kind": "indicator", "token": "made-1", "subject": INDICATOR, "version": 1, "number": 1, "place": ""},
    {"kind": "target", "token": "500", "subject": SERIES, "version": 1, "number": 1, "place": "chaos-own/C0001"},
    {"kind": "value", "token": "600", "subject": SERIES, "version": 2, "number": 1, "place": PLACE},
    {"kind": "value", "token": "601", "subject": SERIES, "version": 3, "number": 2, "place": PLACE},
    *({"kind": "answer", "token": answer, "place": "good"} for answer in ANSWERS),
]


def event(position: int, kind: str, subject: str, subject_version: int, **data: Any) -> dict[str, Any]:
    """An event as a feed gives it."""
    return {
        "type": f"steward.{kind}.v1",
        "subject": subject,
        "subjectversion": str(subject_version),
        "position": str(position),
        "logid": str(UUID(int=99)),
        "recordedat": f"2026-03-02T09:30:{position:02}Z",
        "previous": f"{position - 1:064}",
        "hash": f"{position:064}",
        "data": data,
    }


def recorded(position: int, version: int, value: str, vintage: int) -> dict[str, Any]:
    """A measurement of the one series."""
    values = [{"value": value, "vintage": vintage, "period": {"frequency": "month", "start": "2019-01-01"}}]
    return event(position, "goals.measurement.recorded", SERIES, version, source="reported", values=values)


@dataclass
class Steward:
    """What there is to be read of the three services; untouched, it is what was told."""

    feeds: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "goals": [
                event(1, "goals.indicator.changed", INDICATOR, 1, code="made-1"),
                event(2, "goals.target.set", SERIES, 1, target={"value": "500"}, version=1),
                recorded(3, 2, "600", 1),
                recorded(4, 3, "601", 2),
                event(5, "goals.evaluation.made", EVALUATION, 1, series_id=SERIES, inputs_version=3),
            ],
            "feedback": [
                event(1, "feedback.score.released", CELL, 1, question_id="overall", cell_id=CELL, **SCORE),
            ],
            "reporting": [],
        }
    )
    measurements: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {
                "series_id": SERIES,
                "period": {"start": "2019-01-01"},
                "source": "reported",
                "value": value,
                "vintage": vintage,
            }
            for value, vintage in (("600", 1), ("601", 2))
        ]
    )
    answers: set[str] = field(default_factory=lambda: {*ANSWERS})
    shown: str = "601"
    scored: str = "3"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the service of that host does."""
        asked = request.url.params
        match request.url.path:
            case "/v1/events":
                log = self.feeds[request.url.host]
                return httpx.Response(200, json=[each for each in log if int(each["position"]) > int(asked["after"])])
            case "/v1/units":
                # Two pages, so that both are read.
                code, following = ("C0001", None) if "cursor" in asked else ("body", "second")
                return httpx.Response(200, json={"items": [{"code": code}], "next": following})
            case "/v1/measurements":
                items = self.measurements if asked["unit"] == "C0001" else []
                return httpx.Response(200, json={"items": items, "next": None})
            case "/v1/results.csv":
                rows = [f"chaos-own,C0001,2019-01-01,{self.shown},"]
                if EXPERIENCE in asked.get_list("indicator"):
                    rows = [f"{EXPERIENCE},C0001,2019-01-01,4.0,{self.scored}"]
                return httpx.Response(
                    200, text="\n".join(["indicator_code,unit_code,period_start,value,denominator", *rows])
                )
            case _:
                sent = [each["id"] for each in json.loads(request.content)["items"]]
                items = [{"id": id_, "status": 201, "result": {"duplicate": id_ in self.answers}} for id_ in sent]
                return httpx.Response(207, json={"items": items})


Check = Callable[[Steward], Checked]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """What the checker says of a Steward, without waiting for what never comes."""
    monkeypatch.setattr("tests.chaos.checker.time.sleep", lambda _: None)
    ledger = tmp_path / "ledger"
    ledger.write_text("".join(json.dumps(each) + "\n" for each in TOLD))

    def checked(steward: Steward) -> Checked:
        checker = Checker(
            urls={service: f"http://{service}" for service in SERVICES},
            tokens={"follower": "", "analyst": ""},
            report=lambda _: None,
            patience=0.0,
            transport=httpx.MockTransport(steward),
        )
        return checker.check([ledger], tmp_path / "truth", let_scores_out=lambda: None)

    return checked


def test_what_is_as_it_was_told_has_no_fault(check: Check) -> None:
    done = check(Steward())

    assert done.faults.examples == []
    assert (done.acknowledged, done.events) == (len(TOLD), {"goals": 5, "feedback": 1, "reporting": 0})


def losing(position: int) -> Steward:
    """A Steward in whose goals an event never was: the later ones are numbered as if it had not been told."""
    steward = Steward()
    kept = [each for each in steward.feeds["goals"] if each["position"] != str(position)]
    steward.feeds["goals"] = [
        {**each, "position": str(place), "previous": f"{place - 1:064}", "hash": f"{place:064}"}
        for place, each in enumerate(kept, start=1)
    ]
    return steward


@pytest.mark.parametrize(
    ("position", "fault"),
    [(1, "lost: indicator made-1 (feed)"), (2, "lost: target 500 (feed)"), (3, "lost: value 600 (feed)")],
)
def test_what_its_feed_lacks_is_found(check: Check, position: int, fault: str) -> None:
    assert fault in check(losing(position)).faults.examples


def test_a_target_told_of_with_another_value_is_found(check: Check) -> None:
    steward = Steward()
    steward.feeds["goals"][1]["data"]["target"]["value"] = "501"

    assert check(steward).faults.examples == ["lost: target 500 (feed)", "made up: target 501 (feed)"]


def test_a_measurement_that_cannot_be_read_back_is_found(check: Check) -> None:
    steward = Steward()
    del steward.measurements[0]

    assert check(steward).faults.examples == ["lost: value 600 (read back)"]


def test_a_measurement_read_back_as_another_vintage_is_found(check: Check) -> None:
    steward = Steward()
    steward.measurements[0]["vintage"] = 3

    assert check(steward).faults.examples == ["out of order: value 600 (read back)"]


def test_a_response_that_is_not_there_is_found(check: Check) -> None:
    steward = Steward()
    steward.answers.remove(ANSWERS[1])

    assert check(steward).faults.examples == [f"lost: response {ANSWERS[1]}"]


@pytest.mark.parametrize("count", [2, 4])
def test_responses_counted_otherwise_than_they_came_are_found(check: Check, count: int) -> None:
    steward = Steward()
    steward.feeds["feedback"][0]["data"]["count"] = count

    assert check(steward).faults.examples == [f"lost: responses are miscounted: {count} of 3"]


def test_a_score_that_reporting_shows_otherwise_is_found(check: Check) -> None:
    assert check(Steward(scored="2")).faults.examples == ["lost: the score in reporting is of 2 answers instead of 3"]


def test_a_value_that_reporting_shows_otherwise_is_found(check: Check) -> None:
    assert check(Steward(shown="600")).faults.examples == [f"lost: reporting shows {PLACE}: 600 instead of 601"]


def test_a_series_that_is_evaluated_too_early_is_found(check: Check) -> None:
    steward = Steward()
    steward.feeds["goals"][4]["data"]["inputs_version"] = 2

    assert check(steward).faults.examples == [f"lost: no evaluation of series {SERIES}"]
