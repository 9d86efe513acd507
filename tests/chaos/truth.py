"""What was acknowledged, in a file that survives a kill, and whether what was applied is exactly that."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Told:
    """An event as writer and follower both see it."""

    id: str
    subject: str
    version: int


class Acknowledgements:
    """A file to which each commit is written, and synced, as soon as the database has acknowledged it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def note(self, told: Iterable[Told]) -> None:
        """Write down what is committed; on disk when this returns."""
        self._file.write(b"".join(json.dumps(asdict(each)).encode() + b"\n" for each in told))
        os.fsync(self._file.fileno())

    def read(self) -> list[Told]:
        """Everything that was acknowledged."""
        return [Told(**json.loads(line)) for line in self._path.read_text().splitlines()]

    def close(self) -> None:
        """Nothing more will be noted."""
        self._file.close()


def faults(acknowledged: Iterable[Told], applied: Iterable[Told]) -> Iterator[str]:
    """Everything in which the follower differs from the acknowledgements: lost, doubled, made up, out of order."""
    known, counted = set(acknowledged), Counter(applied := list(applied))
    for told in sorted(known, key=lambda each: (each.subject, each.version)):
        if counted[told] == 0:
            yield f"lost: {told}"
        if counted[told] > 1:
            yield f"applied {counted[told]} times: {told}"
    for told in counted.keys() - known:
        yield f"never acknowledged: {told}"
    seen: dict[str, int] = defaultdict(int)
    for told in applied:
        if told.version != seen[told.subject] + 1:
            yield f"out of order: version {told.version} of {told.subject} after {seen[told.subject]}"
        seen[told.subject] = told.version
