"""The access matrix as it is written by hand in `access.csv`: what each role gets, on every route, in every way.

- `way`: how the request names a unit; «whole body» names none and needs a role for the root, «same for all» asks for
  what everybody with the permission sees alike, «public» needs no role.
- `role`: several may share a row; «others» are all roles that no other row of the same way names, «nobody» sends no
  token. A page is asked with the session of somebody who holds the role.
- `own`, `foreign`, `moved`: the answer to a role for a region that asks for a unit in it, for one in another region,
  and for one that has just moved to another region. A number is a status (of the item, where it is a batch); «shown»
  and «hidden» say whether the answer holds what belongs to the unit; «-» is not asked.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from services.goals.people.domain import Role

ACCESS = Path(__file__).parents[1] / "access.csv"
NOBODY, OTHERS = "nobody", "others"
ROLES: frozenset[str] = frozenset({NOBODY, *get_args(Role)})


@dataclass(frozen=True, slots=True)
class Row:
    """What some roles get on one route, in one way."""

    service: str
    route: str
    how: str
    roles: frozenset[str]
    own: str
    foreign: str
    moved: str

    @property
    def same_everywhere(self) -> bool:
        """Whether it makes no difference which unit is asked for."""
        return self.own == self.foreign or self.foreign == "-"


Matrix = Mapping[tuple[str, str], list[Row]]
"""The rows of one service, by route and way."""


def read(path: Path = ACCESS) -> list[Row]:
    """Each line once for each service and way that it names; «others» is still to be filled in."""
    with path.open(newline="") as file:
        return [
            Row(
                service,
                f"{line['method']} {line['route']}",
                how,
                frozenset(line["role"].split("|")),
                line["own"],
                line["foreign"],
                line["moved"],
            )
            for line in csv.DictReader(file, strict=True)
            for service in line["service"].split("|")
            for how in line["way"].split("|")
        ]


def matrix_of(service: str, rows: list[Row]) -> Matrix:
    """The rows of a service; every role has one in each way, and only one."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.service == service:
            found.setdefault((row.route, row.how), []).append(row)
    return {
        place: [_filled(row, frozenset().union(*(each.roles for each in alike))) for row in alike]
        for place, alike in found.items()
    }


def _filled(row: Row, named: frozenset[str]) -> Row:
    others = ROLES - named - {NOBODY} if OTHERS in row.roles else frozenset()
    roles = (row.roles - {OTHERS}) | others
    return Row(row.service, row.route, row.how, roles, row.own, row.foreign, row.moved)


def faults_in(matrix: Matrix) -> list[str]:
    """Roles that a way forgets, names twice, or that do not exist."""
    faults = []
    for (route, how), rows in matrix.items():
        named = [role for row in rows for role in row.roles]
        faults += [f"{route} by {how}: no row for {role}" for role in sorted(ROLES - set(named))]
        faults += [f"{route} by {how}: there is no role {role}" for role in sorted(set(named) - ROLES)]
        faults += [
            f"{route} by {how}: two rows for {role}" for role in sorted({r for r in named if named.count(r) > 1})
        ]
    return faults
