"""Two truths side by side, in a file, since both may be larger than memory: what was acknowledged, what is there."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_TABLES = """
create table told (kind, token, subject, version, id, number, place, primary key (kind, token)) without rowid;
create table found (source, kind, token, subject, version, number, place, position);
create table evaluated (subject primary key, version) without rowid;
create table shown (place primary key, token) without rowid;
"""
_MOST_EXAMPLES = 10
FEED, READ_BACK = "feed", "read back"
Row = tuple[str, str, str, int | None, int, str, int]
"""What is there: kind, token, subject, version, number, place, position."""


@dataclass(slots=True)
class Faults:
    """In what the two differ."""

    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    made_up: int = 0
    """There, and nobody has ever been told so: as bad, though the question was another."""
    examples: list[str] = field(default_factory=list)
    """The first few, in words."""

    def add(self, kind: str, what: str, count: int = 1) -> None:
        """Count a fault by the name of its field."""
        setattr(self, kind, getattr(self, kind) + count)
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(f"{kind.replace('_', ' ')}: {what}")


@dataclass(slots=True)
class Walk:
    """A log as its feed shows it, event after event: dense, chained, and per aggregate without a gap."""

    service: str
    faults: Faults
    position: int = 0
    hash: str = "0" * 64
    log_id: str | None = None
    _recorded_at: str = ""
    _versions: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def pass_by(self, event: dict[str, Any]) -> None:
        """Look at the next event."""
        position, version, subject = int(event["position"]), int(event["subjectversion"]), event["subject"]
        here = f"position {position} of {self.service}"
        if position != self.position + 1:
            self.faults.add("out_of_order", f"{here} after {self.position}")
        if event["previous"] != self.hash:
            self.faults.add("out_of_order", f"{here} does not continue the event before it")
        if self.log_id not in {None, event["logid"]}:
            self.faults.add("out_of_order", f"{here} is of another log")
        if event["recordedat"] < self._recorded_at:
            self.faults.add("out_of_order", f"{here} was recorded before the one before it")
        expected = self._versions[subject] + 1
        if version != expected:
            kind = "lost" if version > expected else "twice"
            self.faults.add(kind, f"{here} is version {version} of {subject}, expected {expected}")
        self.position, self.hash, self.log_id = position, event["hash"], event["logid"]
        self._recorded_at = event["recordedat"]
        self._versions[subject] = max(version, self._versions[subject])


class Truth:
    """The comparison of both."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file)
        self._database.execute("pragma synchronous = off")
        self._database.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def take_acknowledgements(self, files: Iterable[Path]) -> int:
        """Read what was written down; gives how much that was."""
        with self._database:
            for file in files:
                with file.open() as lines:
                    self._database.executemany(
                        "insert into told values (:kind, :token, :subject, :version, :id, :number, :place)",
                        (
                            {"subject": None, "version": None, "id": None, "number": None} | json.loads(line)
                            for line in lines
                        ),
                    )
        return self.count("told")

    def find(self, source: str, rows: Iterable[Row]) -> None:
        """Note what is there."""
        with self._database:
            self._database.executemany(
                "insert into found values (?, ?, ?, ?, ?, ?, ?, ?)", ((source, *row) for row in rows)
            )

    def evaluate(self, rows: Iterable[tuple[str, int]]) -> None:
        """Note which version of which series has been evaluated."""
        with self._database:
            self._database.executemany(
                "insert into evaluated values (?, ?) on conflict (subject) "
                "do update set version = max(version, excluded.version)",
                rows,
            )

    def show(self, rows: Iterable[tuple[str, str]]) -> None:
        """Replace what reporting shows: place and number."""
        with self._database:
            self._database.execute("delete from shown")
            self._database.executemany("insert into shown values (?, ?)", rows)

    def count(self, table: str, kind: str | None = None) -> int:
        """How many rows there are, all or of a kind."""
        where = "where kind = ?" if kind else ""
        (number,) = self._database.execute(f"select count(*) from {table} {where}", (kind,) if kind else ()).fetchone()
        return int(number)

    def answers(self) -> Iterator[tuple[str, str]]:
        """Each response that was acknowledged, with what it said."""
        yield from self._database.execute("select token, place from told where kind = 'answer'")

    def compare(self, source: str, kinds: Iterable[str], faults: Faults) -> None:
        """Count what was acknowledged and is not there, is there twice, or otherwise than it was told."""
        self._database.execute("create index if not exists by_token on found (source, kind, token)")
        for kind in kinds:
            for fault, query in _COMPARISONS.items():
                for row in self._database.execute(query, {"source": source, "kind": kind}):
                    faults.add(fault, f"{kind} {row[0]} ({source})")

    def vintages_in_order(self, faults: Faults) -> None:
        """The vintages of each period must have come as 1, 2, 3 …"""
        for place, number, expected in self._database.execute(_VINTAGES, {"source": FEED}):
            faults.add("out_of_order", f"{place} has vintage {number} where {expected} was due")

    def not_evaluated(self) -> list[str]:
        """Series of which something acknowledged is in no evaluation."""
        return [row[0] for row in self._database.execute(_NOT_EVALUATED)]

    def not_shown(self) -> list[str]:
        """Periods for which reporting shows another number than the last one acknowledged."""
        return [f"{place}: {shown} instead of {token}" for place, token, shown in self._database.execute(_NOT_SHOWN)]


_COMPARISONS = {
    "lost": """
        select token from told where kind = :kind and not exists (
            select * from found where source = :source and found.kind = :kind and found.token = told.token)
    """,
    "twice": """
        select token from found where source = :source and kind = :kind group by token having count(*) > 1
    """,
    "made_up": """
        select token from found where source = :source and kind = :kind
            and not exists (select * from told where told.kind = :kind and told.token = found.token)
    """,
    "out_of_order": """
        select told.token from told join found on found.source = :source and found.kind = :kind
            and found.token = told.token
        where told.kind = :kind and (
            found.subject <> told.subject or found.number <> told.number
            or (found.version is not null and found.version <> told.version))
    """,
}
_VINTAGES = """
select * from (
    select place, number, row_number() over (partition by place order by position, number) as expected
    from found where source = :source and kind = 'value')
where number <> expected
"""
_NOT_EVALUATED = """
select told.subject from told left join evaluated using (subject)
where told.kind in ('value', 'target')
group by told.subject having max(told.version) > coalesce(max(evaluated.version), 0)
"""
_NOT_SHOWN = """
select newest.place, newest.token, shown.token
from (select place, token, max(number) from told where kind = 'value' group by place) newest
left join shown using (place)
where shown.token is not newest.token
"""
