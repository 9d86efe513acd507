"""`python -m tests.oracles.run DIR`: compare our numbers with those of reference packages, file by file.

Writes build/oracles.json, with `{cases, equal, different}` per file. `explained` lists the named exceptions among the
different ones; of a file that nothing here answers yet, all cases are `skipped`. Exit code 1 where a difference has no
explanation.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.oracles import plotthedots
from tests.oracles.exceptions import reason

RELATIVE = 1e-9
ABSOLUTE = 1e-12
"""The expected numbers have thirteen digits: next to a zero that is all they can say."""
ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"plotthedots.json": plotthedots.answer}
BUILD = Path("build/oracles.json")


def compare(folder: Path) -> dict[str, dict[str, Any]]:
    """What each file of a folder says of us."""
    return {file.name: _compare_file(file) for file in sorted(folder.glob("*.json"))}


def _compare_file(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text())
    cases = content.get("cases", []) if isinstance(content, dict) else []
    answer = ANSWERS.get(file.name)
    if answer is None:
        return {"cases": len(cases), "equal": 0, "different": 0, "skipped": len(cases)}
    explained: dict[str, str] = {}
    unexplained: dict[str, list[str]] = {}
    for case in cases:
        found = dict(_differences(case["expected"], answer(case)))
        why = reason(file.name, case, {where.split("[")[0] for where in found})
        if found and why:
            explained[case["name"]] = why
        elif found:
            unexplained[case["name"]] = [f"{where}: {what}" for where, what in found.items()][:5]
    different = len(explained) + len(unexplained)
    return {
        "cases": len(cases),
        "equal": len(cases) - different,
        "different": different,
        "explained": explained,
        "unexplained": unexplained,
    }


def _differences(expected: Any, ours: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each place where our answer is not the expected one; numbers may differ by a part in a thousand million."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            yield from _differences(value, ours[name], f"{where}.{name}" if where else name)
    elif isinstance(expected, list):
        if len(expected) != len(ours):
            yield where, f"{len(expected)} expected, {len(ours)} found"
        for index, (one, other) in enumerate(zip(expected, ours, strict=False)):
            yield from _differences(one, other, f"{where}[{index}]")
    elif not _same(expected, ours):
        yield where, f"{expected!r} expected, {ours!r} found"


def _same(expected: Any, ours: Any) -> bool:
    if isinstance(expected, bool) or isinstance(ours, bool) or not isinstance(expected, int | float):
        return bool(expected == ours)
    return isinstance(ours, int | float) and math.isclose(expected, ours, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def main(folder: Path) -> int:
    """Compare, write the result, say it in one line per file."""
    found = compare(folder)
    BUILD.parent.mkdir(exist_ok=True)
    BUILD.write_text(json.dumps(found, indent=2))
    for name, result in found.items():
        if "skipped" in result:
            say = f"nothing here answers it yet ({result['skipped']} cases)"
        else:
            say = f"{result['equal']} of {result['cases']} equal"
            say += "".join(f"; {case} differs on purpose" for case in result.get("explained", {}))
            say += "".join(f"; {case} DIFFERS: {where[0]}" for case, where in result.get("unexplained", {}).items())
        sys.stdout.write(f"{name}: {say}\n")
    return int(any(result.get("unexplained") for result in found.values()) or not found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
