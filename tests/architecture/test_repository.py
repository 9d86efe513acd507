"""Rules for the files themselves: how long they are, what they silence, and that they name no machine of ours."""

import io
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST, LONGEST_TEST = 300, 400
MAY_BE_LONG = re.compile(
    r"/migrations/versions/|^shared/contracts/schemas/|/openapi\.json$|^tests/contracts/data/|^tests/openapi/package-lock\.json$"
    r"|\.lock$|\.csv$|^shared/ui/static/steward\.css$|^LICENSE$"
)
SILENCED = re.compile(r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[^\]]*\])?)")
REGISTRY = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|yarnpkg|anaconda|(?:repo\d?|central)\.(?:maven|sonatype)(?:\.apache)?)\.(?:org|com)\b"
    r"|--(?:extra-)?index-url[ =]|--find-links[ =]|\b(?:PIP|UV)_(?:EXTRA_)?INDEX_URL\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"https?://|^-i |^--", re.MULTILINE)
"""Nothing in a lock points anywhere: its hashes say what a package is, the machine's own settings where it is."""
SOMEBODYS_FOLDER = re.compile(r"(?<![\w.])/(?:home|Users)/\w|(?<![\w.])/(?:root|work|workspace|builds|github)/\w")


def committed(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Path and text of each committed text file."""
    # Whoever owns the checkout: git refuses that of another user, such as a build's that runs as root.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        try:
            yield name, (root / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture, or a file that is about to be removed


def too_long(files: Iterable[tuple[str, str]]) -> list[str]:
    """Files that nobody takes in at a glance."""
    return [
        f"{name}: {lines} lines"
        for name, text in files
        if not MAY_BE_LONG.search(name)
        and (lines := len(text.splitlines())) > (LONGEST_TEST if name.startswith("tests/") else LONGEST)
    ]


def silenced(files: Iterable[tuple[str, str]]) -> list[str]:
    """Places that silence a checker and do not say why."""
    return [
        f"{name}:{token.start[0]}"
        for name, text in files
        if name.endswith(".py")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
        and SILENCED.search(token.string)
        and not re.search(r"\w\w", SILENCED.sub("", token.string))
    ]


def named_machines(files: Iterable[tuple[str, str]], own: Iterable[str] = ()) -> list[str]:
    """Registries, and folders of the machine that something was built on."""
    folders = [folder for folder in own if folder.count("/") > 1]
    found = []
    for name, text in files:
        patterns = [REGISTRY, SOMEBODYS_FOLDER, *([ADDRESS] if name.endswith(".lock") else [])]
        marks = [match[0] for pattern in patterns if (match := pattern.search(text))]
        found += [f"{name}: {mark}" for mark in (*marks, *(folder for folder in folders if folder in text))]
    return found


def test_no_file_is_too_long() -> None:
    assert too_long(committed()) == []


def test_nothing_is_silenced_without_a_reason() -> None:
    assert silenced(committed()) == []


def test_no_registry_and_no_machine_is_named() -> None:
    assert named_machines(committed(), [str(ROOT), str(Path.home())]) == []


def test_the_walk_sees_what_is_committed() -> None:
    assert {"README.md", "Makefile", "requirements.lock", "shared/errors.py"} <= {name for name, _ in committed()}


class TestPlantedFaults:
    @pytest.mark.parametrize(
        ("name", "lines", "found"),
        [
            ("shared/big.py", 301, ["shared/big.py: 301 lines"]),
            ("shared/big.py", 300, []),
            ("tests/shared/test_big.py", 401, ["tests/shared/test_big.py: 401 lines"]),
            ("tests/shared/test_big.py", 400, []),
            ("shared/ui/static/second.css", 301, ["shared/ui/static/second.css: 301 lines"]),
            ("services/goals/migrations/versions/0099_big.py", 500, []),
            ("requirements.lock", 5000, []),
        ],
    )
    def test_a_long_file_is_found(self, name: str, lines: int, found: list[str]) -> None:
        assert too_long([(name, "x = 1\n" * lines)]) == found

    @pytest.mark.parametrize(
        ("line", "found"),
        [
            ("x = y  # noqa", ["a.py:2"]),
            ("x = y  # noqa: S101", ["a.py:2"]),
            ("x = y  # noqa: S101, S102", ["a.py:2"]),
            ("x = y  # type: ignore", ["a.py:2"]),
            ("x = y  # type: ignore[misc, assignment]  # noqa: A002", ["a.py:2"]),
            ("x = y  # noqa: S101 - the caller has just looked", []),
            ("x = y  # type: ignore[misc]  # it ships no types", []),
            ("x = '# noqa'", []),
        ],
    )
    def test_a_silenced_line_is_found(self, line: str, found: list[str]) -> None:
        assert silenced([("a.py", f"y = 1\n{line}\n")]) == found

    @pytest.mark.parametrize(
        ("name", "text", "found"),
        [
            ("Makefile", "pip install --index" + "-url x", "--index" + "-url "),
            ("README.md", "from https://py" + "pi.org/simple", "py" + "pi.org"),
            ("deploy/kafka/pom.xml", "https://repo1.maven" + ".org/maven2", "repo1.maven" + ".org"),
            ("requirements.lock", "six @ https://mirror.example/six.whl", "https://"),
            ("shared/a.py", "PATH = '/ho" + "me/anna/steward'", "/ho" + "me/a"),
            ("shared/a.py", "see /srv/checkouts/steward/README.md", "/srv/checkouts/steward"),
        ],
    )
    def test_a_machine_is_found(self, name: str, text: str, found: str) -> None:
        assert named_machines([(name, text)], ["/srv/checkouts/steward"]) == [f"{name}: {found}"]

    @pytest.mark.parametrize("text", ["--no-emit-index-url --upgrade", "/scorecards/root/x", "/var/lib/steward", "~/x"])
    def test_what_names_no_machine_is_left_alone(self, text: str) -> None:
        assert named_machines([("Makefile", text)], ["/srv/checkouts/steward", "/app"]) == []
