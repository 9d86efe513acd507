"""A client of Steward in a process of its own, which writes down each acknowledgement before it goes on.

`python -m tests.chaos.load --kind measurements --number 1 --file PATH …` sends until SIGTERM, and then until the last
thing it has sent is acknowledged, so that it never leaves a write of which nobody knows. It learns nothing but what
the public APIs answer, and after an unknown outcome it sends the same again under the same key.
"""

import argparse
import json
import os
import random
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.demo.answers import SURVEY
from tests.chaos.ground import INDICATORS, MONTHS, SUMMED, indicator, unit_codes

ANSWERED = ("very_good", "good", "neither", "poor", "very_poor")
_TRY_AGAIN = frozenset({409, 429, 500, 503})
_PAUSE = 0.1


class LoadSettings(BaseSettings):
    """What the process is not told on its command line."""

    model_config = SettingsConfigDict(env_prefix="CHAOS_")

    token: str | None = None


class Ledger:
    """A file to which acknowledgements are written, and synced, before anything else happens."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def note(self, told: Iterable[dict[str, Any]]) -> None:
        """Write down what was acknowledged together; on disk when this returns."""
        self._file.write(b"".join(json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in told))
        os.fsync(self._file.fileno())


class Refusals:
    """A file that says in one line each how the services have refused: for what they owe to who is refused."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def note(self, answer: httpx.Response) -> None:
        """Write down an answer that is none yet."""
        problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
        code = answer.json()["code"] if problem else "no problem"
        missing = "" if answer.status_code == 500 or "Retry-After" in answer.headers else " without Retry-After"
        self._file.write(f"{answer.status_code} {code}{missing}\n".encode())


class Caller:
    """A client that insists: it tries every replica until one gives a final answer."""

    def __init__(self, urls: Sequence[str], token: str | None, chance: random.Random, refusals: Refusals) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._clients = [httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False) for url in urls]
        self._chance = chance
        self._refusals = refusals

    def insist(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        """Send until it is acknowledged, with the same key each time."""
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            try:
                answer = self._chance.choice(self._clients).post(path, json=body, headers=headers)
            except httpx.TransportError:
                time.sleep(_PAUSE)
                continue
            if answer.status_code in {201, 207}:
                return answer
            if answer.status_code not in _TRY_AGAIN:
                raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text}")
            self._refusals.note(answer)
            time.sleep(min(1.0, float(answer.headers.get("Retry-After", _PAUSE))))


class Measuring:
    """Records values and sets targets, many at once and one by one; the number it writes is never written again."""

    def __init__(self, caller: Caller, ledger: Ledger, chance: random.Random, *, number: int, units: int, batch: int):
        self._caller, self._ledger, self._chance = caller, ledger, chance
        self._number, self._batch = number, batch
        self._written = 0
        reporting = {"none": unit_codes(units), "sum": unit_codes(min(units, SUMMED))}
        self._series = [(code, unit) for code, over_units in INDICATORS.items() for unit in reporting[over_units]]

    def step(self) -> None:
        """One request, acknowledged and noted."""
        dice = self._chance.random()
        if dice < 0.02:
            self._indicator()
        elif dice < 0.10:
            self._target()
        elif dice < 0.25:
            self._value()
        else:
            self._values()

    def _token(self) -> str:
        self._written += 1
        return str(self._number * 10_000_000_000 + self._written)

    def _one(self) -> dict[str, Any]:
        code, unit = self._chance.choice(self._series)
        return self._item(code, unit)

    def _item(self, code: str, unit: str) -> dict[str, Any]:
        period = {"frequency": "month", "start": self._chance.choice(MONTHS)}
        return {"indicator": code, "unit": unit, "period": period, "value": self._token()}

    def _value(self) -> None:
        item = self._one()
        answer = self._caller.insist("/v1/measurements", item, f"one-{item['value']}")
        told = answer.json()
        self._ledger.note([_told(item, answer.headers["Steward-Written"], told["id"], told["vintage"])])

    def _values(self) -> None:
        chosen = self._chance.sample(self._series, min(self._batch, len(self._series)))
        items = [self._item(*each) for each in chosen]
        answer = self._caller.insist("/v1/measurements:batch", {"items": items}, f"many-{items[0]['value']}")
        results = answer.json()["items"]
        if refused := [each for each in results if each["status"] != 201]:
            raise RuntimeError(f"{len(refused)} of {len(items)} were refused, the first with {refused[0]}")
        self._ledger.note(
            _told(item, each["written"], each["result"]["id"], each["result"]["vintage"])
            for item, each in zip(items, results, strict=True)
        )

    def _target(self) -> None:
        code, unit = self._chance.choice(self._series)
        body = {
            "indicator": code,
            "unit": unit,
            "type": "maintain_at_or_above",
            "value": self._token(),
            "valid_from": MONTHS[0],
            "reason": "load",
        }
        answer = self._caller.insist("/v1/targets", body, f"target-{body['value']}")
        told = answer.json()
        written = answer.headers["Steward-Written"]
        self._ledger.note([_noted("target", body["value"], written, told["id"], told["version"], f"{code}/{unit}")])

    def _indicator(self) -> None:
        code = f"made-{self._token()}"
        answer = self._caller.insist("/v1/indicators", indicator(code), code)
        self._ledger.note([_noted("indicator", code, answer.headers["Steward-Written"], answer.json()["id"], 1, "")])


def _told(item: dict[str, Any], written: str, id_: str, vintage: int) -> dict[str, Any]:
    place = f"{item['indicator']}/{item['unit']}/{item['period']['start']}"
    return _noted("value", item["value"], written, id_, vintage, place)


def _noted(kind: str, token: str, written: str, id_: str, number: int, place: str) -> dict[str, Any]:
    _, subject, version = written.split("/")
    return {
        "kind": kind,
        "token": token,
        "subject": subject,
        "version": int(version),
        "id": id_,
        "number": number,
        "place": place,
    }


class Answering:
    """Answers the survey, as one phone and as one that was offline."""

    def __init__(self, caller: Caller, ledger: Ledger, chance: random.Random, *, batch: int) -> None:
        self._caller, self._ledger, self._chance, self._batch = caller, ledger, chance, batch

    def step(self) -> None:
        """One request, acknowledged and noted."""
        if self._chance.random() < 0.5:
            answer = self._answer()
            self._caller.insist(f"/v1/surveys/{SURVEY}/responses", answer)
            self._note([answer])
        else:
            answers = [self._answer() for _ in range(self._batch)]
            told = self._caller.insist(f"/v1/surveys/{SURVEY}/responses:batch", {"items": answers}).json()["items"]
            if refused := [each for each in told if each["status"] != 201]:
                raise RuntimeError(f"{len(refused)} answers were refused, the first with {refused[0]}")
            self._note(answers)

    def _answer(self) -> dict[str, Any]:
        id_ = UUID(int=self._chance.getrandbits(128), version=4)
        return response(str(id_), self._chance.choice(ANSWERED))

    def _note(self, answers: Sequence[dict[str, Any]]) -> None:
        self._ledger.note(
            {"kind": "answer", "token": each["id"], "place": each["answers"]["overall"]} for each in answers
        )


def response(id_: str, choice: str) -> dict[str, Any]:
    """A response to the survey; the same arguments make the same one."""
    return {"id": id_, "version": 1, "language": "en", "answers": {"overall": choice}}


def main() -> None:
    """Send until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=["measurements", "answers"], required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--urls", nargs="+", required=True)
    parser.add_argument("--units", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--pause", type=float, default=0.0)
    given = parser.parse_args()
    chance = random.Random(given.seed * 1000 + given.number)  # noqa: S311 - what is sent next, not a secret
    refusals = Refusals(given.file.with_name(f"refused-{given.number}"))
    caller = Caller(given.urls, LoadSettings().token, chance, refusals)
    ledger = Ledger(given.file)
    load = (
        Measuring(caller, ledger, chance, number=given.number, units=given.units, batch=given.batch)
        if given.kind == "measurements"
        else Answering(caller, ledger, chance, batch=given.batch)
    )
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    while not stopped:
        load.step()
        time.sleep(given.pause)


if __name__ == "__main__":
    main()
