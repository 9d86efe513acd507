"""Whether everything acknowledged is there exactly once and in order: from the ledgers and the public APIs alone."""

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from deploy.demo.answers import SURVEY
from deploy.demo.definitions import EXPERIENCE
from tests.chaos.ground import INDICATORS
from tests.chaos.load import response
from tests.chaos.truth import FEED, READ_BACK, Faults, Row, Truth, Walk

PATIENCE = 90.0
"""Seconds without any progress after which what is missing is lost."""
_AT_ONCE = 1000
_KINDS = {
    "steward.goals.measurement.recorded.v1": "value",
    "steward.goals.target.set.v1": "target",
    "steward.goals.indicator.changed.v1": "indicator",
}


@dataclass(slots=True)
class Checked:
    """What the checker has seen."""

    acknowledged: int = 0
    events: dict[str, int] = field(default_factory=dict)
    """By service, how long its log is."""
    faults: Faults = field(default_factory=Faults)


class Checker:
    """Reads ledgers and APIs into a file of its own, and compares."""

    def __init__(
        self,
        *,
        urls: Mapping[str, str],
        tokens: Mapping[str, str],
        report: Callable[[str], None],
        patience: float = PATIENCE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._urls, self._tokens, self._report, self._patience = urls, tokens, report, patience
        self._client = httpx.Client(timeout=60, trust_env=False, transport=transport)
        self._done = Checked()
        self._walks = {service: Walk(service, self._done.faults) for service in urls}
        self._answered: dict[str, int] = {}
        """By cell, how many answers its last release has told of, counting those that it leaves out."""
        self._scored: dict[str, int] = {}
        """By cell, how many answers its last release has scored."""

    def check(self, ledgers: Sequence[Path], file: Path, *, let_scores_out: Callable[[], None]) -> Checked:
        """Compare; `let_scores_out` is called when everything else has been read."""
        faults = self._done.faults
        with Truth(file) as truth, self._client:
            self._done.acknowledged = truth.take_acknowledgements(ledgers)
            self._report(f"{self._done.acknowledged} acknowledgements; reading the feeds")
            self._until(lambda: self._follow(truth), truth.not_evaluated, "lost", "no evaluation of series {}")
            self._report("reading the measurements back")
            truth.find(READ_BACK, self._measurements())
            truth.compare(FEED, ["value", "target", "indicator"], faults)
            truth.compare(READ_BACK, ["value"], faults)
            truth.vintages_in_order(faults)
            self._report("sending every response again")
            self._answers_are_there(truth)
            self._report("comparing with reporting")
            self._until(lambda: self._read_results(truth), truth.not_shown, "lost", "reporting shows {}")
            let_scores_out()
            wanted = truth.count("told", "answer")
            self._until(
                lambda: self._follow(truth), lambda: self._miscounted(wanted), "lost", "responses are miscounted: {}"
            )
            self._until(lambda: 0, self._not_reported, "lost", "the score in reporting is {}")
            self._done.events = {service: walk.position for service, walk in self._walks.items()}
        return self._done

    def _until(self, look: Callable[[], int], missing: Callable[[], list[str]], kind: str, words: str) -> None:
        """Look again until nothing is missing, or for the time of our patience nothing has changed."""
        changed, before = time.monotonic(), (-1, -1)
        while True:
            seen = look()
            left = missing()
            if not left:
                return
            if (seen, len(left)) != before:
                changed, before = time.monotonic(), (seen, len(left))
            if time.monotonic() - changed > self._patience:
                for each in left:
                    self._done.faults.add(kind, words.format(each))
                return
            time.sleep(0.5)

    def _get(self, service: str, path: str, role: str | None, **parameters: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[role]}"} if role else {}
        return self._insist("GET", service, path, headers=headers, params=parameters)

    def _insist(self, method: str, service: str, path: str, **request: Any) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self._client.request(method, self._urls[service] + path, **request)
                if answer.status_code < 300:
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
            except httpx.TransportError as error:
                said = repr(error)
            if time.monotonic() > deadline:
                raise RuntimeError(f"{method} {service} {path}: {said}")
            time.sleep(0.5)

    def _follow(self, truth: Truth) -> int:
        """Read every feed to its end; gives how many events that makes in all."""
        for service, walk in self._walks.items():
            while True:
                mark = {"log": walk.log_id, "hash": walk.hash} if walk.log_id else {}
                page = self._get(service, "/v1/events", "follower", after=walk.position, limit=_AT_ONCE, **mark).json()
                for event in page:
                    walk.pass_by(event)
                truth.find(FEED, (row for event in page for row in written_in(event)))
                truth.evaluate(evaluations_in(page))
                self._count(page)
                if len(page) < _AT_ONCE:
                    break
        return sum(walk.position for walk in self._walks.values())

    def _count(self, page: Sequence[Mapping[str, Any]]) -> None:
        for event in page:
            if event["type"] == "steward.feedback.score.released.v1" and event["data"]["question_id"] == "overall":
                data = event["data"]
                self._answered[data["cell_id"]] = data["count"] + (data["left_out"] or 0)
                self._scored[data["cell_id"]] = int(data["denominator"])

    def _miscounted(self, wanted: int) -> list[str]:
        counted = sum(self._answered.values())
        return [] if counted == wanted else [f"{counted} of {wanted}"]

    def _not_reported(self) -> list[str]:
        """The number of scored answers in reporting, where that is not what the last releases say."""
        released = sum(self._scored.values())
        shown = sum(int(row["denominator"] or 0) for row in self._results([EXPERIENCE], frequency="month"))
        return [] if shown == released else [f"of {shown} answers instead of {released}"]

    def _measurements(self) -> Iterator[Row]:
        # By unit: the farther a walk through a million of them gets, the more each page passes over.
        for unit in self._pages("/v1/units"):
            for each in self._pages("/v1/measurements", unit=unit["code"], vintages="all"):
                if each["source"] != "reported":
                    continue
                place = f"{each['series_id']}/{each['period']['start']}"
                yield "value", each["value"], each["series_id"], None, each["vintage"], place, 0

    def _pages(self, path: str, **filters: str) -> Iterator[dict[str, Any]]:
        """What a list of goals holds, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self._get("goals", path, "analyst", limit=200, **filters, **cursor).json()
            yield from page["items"]
            if not page["next"]:
                return
            cursor = {"cursor": page["next"]}

    def _answers_are_there(self, truth: Truth) -> None:
        """Each response is sent once more, as any phone may: the answer says whether it was there already."""
        answers = truth.answers()
        while some := list(islice(answers, _AT_ONCE)):
            items = [response(id_, choice) for id_, choice in some]
            path = f"/v1/surveys/{SURVEY}/responses:batch"
            for each in self._insist("POST", "feedback", path, json={"items": items}).json()["items"]:
                if each["status"] != 201 or not each["result"]["duplicate"]:
                    self._done.faults.add("lost", f"response {each['id']}")

    def _read_results(self, truth: Truth) -> int:
        rows = self._results(list(INDICATORS), frequency="month", level="organisation")
        truth.show((f"{row['indicator_code']}/{row['unit_code']}/{row['period_start']}", row["value"]) for row in rows)
        return 0

    def _results(self, indicators: list[str], **filters: str) -> Iterator[dict[str, str]]:
        answer = self._get("reporting", "/v1/results.csv", "analyst", indicator=indicators, **filters)
        return csv.DictReader(answer.text.splitlines())


def written_in(event: Mapping[str, Any]) -> Iterator[Row]:
    """What of an event the load has written, if anything."""
    data, subject = event["data"], event["subject"]
    version, position = int(event["subjectversion"]), int(event["position"])
    match _KINDS.get(event["type"]):
        case "value" if data["source"] == "reported":
            for each in data["values"]:
                place = f"{subject}/{each['period']['start']}"
                yield "value", each["value"], subject, version, each["vintage"], place, position
        case "target":
            yield "target", data["target"]["value"], subject, version, data["version"], subject, position
        case "indicator" if version == 1 and data["code"].startswith("made-"):
            yield "indicator", data["code"], subject, version, version, subject, position


def evaluations_in(page: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Each series that was evaluated, with the version of it that was read."""
    for event in page:
        if event["type"] == "steward.goals.evaluation.made.v1" and event["data"]["series_id"]:
            yield event["data"]["series_id"], event["data"]["inputs_version"]
