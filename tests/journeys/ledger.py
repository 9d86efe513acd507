"""What was acknowledged, written down before anything else happens, and what became of it."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


class Ledger:
    """A file of acknowledgements that a crash cannot take back: each line is on the disk before the next request."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def acknowledged(self, subject: str, what: str) -> None:
        """Write down that something about a subject was acknowledged."""
        self._file.write(f"{subject} {what}\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def read(self) -> dict[str, list[str]]:
        """Everything acknowledged so far, by subject, in order."""
        self._file.seek(0)
        found: dict[str, list[str]] = {}
        for line in self._file:
            subject, _, what = line.strip().partition(" ")
            found.setdefault(subject, []).append(what)
        return found


@dataclass(frozen=True, slots=True)
class Damage:
    """How often what is there differs from what was acknowledged."""

    lost: int
    twice: int
    out_of_order: int


NONE = Damage(lost=0, twice=0, out_of_order=0)


def damage(acknowledged: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]]) -> Damage:
    """Compare per subject; what nobody acknowledged but is there is no damage, since a client may have given up."""
    lost = twice = out_of_order = 0
    for subject, expected in acknowledged.items():
        there = Counter(found.get(subject, ()))
        lost += sum(1 for what in expected if not there[what])
        twice += sum(there[what] - 1 for what in set(expected) if there[what] > 1)
        wanted = set(expected)
        seen = _first_of_each(what for what in found.get(subject, ()) if what in wanted)
        present = [what for what in expected if there[what]]
        out_of_order += sum(1 for one, other in zip(seen, present, strict=True) if one != other)
    return Damage(lost, twice, out_of_order)


def _first_of_each(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
