"""Every rule about what comes from outside, with the tests that show it, or why nothing is there that it is about."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.reporting.scorecards.formats import results_csv

ROOT = Path(__file__).parents[2]
SHOWN: Mapping[str, list[str]] = {
    "text cells of a spreadsheet export are quoted, numbers are not": [
        "tests/reporting/scorecards/test_results_csv.py::test_text_that_a_spreadsheet_would_compute_is_quoted_and_numbers_are_not",
        "tests/architecture/test_untrusted_input.py::test_no_text_of_a_download_is_taken_for_a_formula",
    ],
    "everything shown is escaped": [
        "tests/pages/test_pages.py::test_names_are_escaped",
        "tests/feedback/responses/test_pages.py::test_texts_are_shown_as_text",
        "tests/reporting/charts/test_drawings.py::test_it_has_a_name_and_a_description_that_it_points_to",
        "tests/architecture/test_untrusted_input.py::test_no_template_turns_escaping_off",
    ],
    "a pattern runs in linear time": ["tests/architecture/test_untrusted_input.py::test_no_caller_can_write_a_pattern"],
    "streams are counted for each principal, each address and all together": [
        "tests/shared/http/test_streams.py::test_a_principal_an_address_and_all_together_have_so_many",
        "tests/shared/http/test_streams.py::test_a_stream_ends_after_a_quarter_of_an_hour_as_if_it_were_finished",
        "tests/architecture/test_streaming.py",
    ],
    "addresses of clients come from trusted proxies alone": [
        "tests/shared/http/test_known_hosts.py::test_a_client_behind_a_trusted_proxy_is_known_by_its_own_address"
    ],
    "an IPv6 network is one client": [
        "tests/shared/http/test_rates.py::test_an_address_of_ipv6_is_counted_with_its_household"
    ],
    "a service answers to its own hosts alone": ["tests/shared/http/test_known_hosts.py::test_any_other_is_not"],
    "packages are pinned by hash": ["tests/architecture/test_untrusted_input.py::test_every_package_is_pinned_by_hash"],
}
NOTHING_YET: Mapping[str, set[str]] = {
    "archives: entries, size and ratio are counted while reading": {"zipfile", "tarfile", "openpyxl", "zstandard"},
    "XML: one parser, no DTD, no network": {"xml", "lxml", "defusedxml", "sdmx"},
    "PDF: a fetcher that allows packaged files only": {"weasyprint", "reportlab"},
    "user URLs and webhooks: https, no redirects, never a private address": {"aiohttp", "requests", "urllib3"},
    "expressions of authors: a depth and a step limit": {"simpleeval", "asteval"},
}
"""Rules without anything they are about: none of these modules is imported. Whoever needs one begins here."""

OUR_PATTERNS = {"shared/http/translations/__init__.py", "deploy/cli/token.py"}
"""The sentences that we translate, each part escaped; and a constant by its name."""


def names_of_tests(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def missing(names: list[str]) -> list[str]:
    """The tests that are named and not there."""
    parts = [(name, *name.partition("::")[::2]) for name in names]
    return [
        name
        for name, path, test in parts
        if not (ROOT / path).is_file() or (test and test not in names_of_tests(ROOT / path))
    ]


def sources() -> Iterator[Path]:
    for part in ("services", "shared", "deploy"):
        yield from (ROOT / part).rglob("*.py")


def imported(source: str) -> set[str]:
    """The packages that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("rule", SHOWN)
def test_each_rule_is_shown_by_tests_that_are_there(rule: str) -> None:
    assert missing(SHOWN[rule]) == []


def test_a_test_that_is_gone_is_found() -> None:
    names = ["tests/pages/test_pages.py::test_gone", "tests/gone.py"]

    assert missing(names) == names


@pytest.mark.parametrize("rule", NOTHING_YET)
def test_nothing_is_there_that_the_other_rules_are_about(rule: str) -> None:
    assert {str(path) for path in sources() if imported(path.read_text()) & NOTHING_YET[rule]} == set()


def test_an_import_within_a_function_is_found() -> None:
    assert imported("def f():\n    from lxml import etree\n    import zipfile") == {"lxml", "zipfile"}


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_a_download_is_taken_for_a_formula(begins: str) -> None:
    assert begins in results_csv.FORMULA


def test_no_template_turns_escaping_off() -> None:
    templates = [path for part in ("services", "shared") for path in (ROOT / part).rglob("*.html")]

    assert len(templates) > 5
    for path in templates:
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text()), path


def test_no_caller_can_write_a_pattern() -> None:
    """A pattern stands in the code, or at one of the places that make it of our own texts."""
    loose = {
        str(path.relative_to(ROOT))
        for path in sources()
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"re.compile", "re.match", "re.search", "re.fullmatch", "re.sub", "re.split"}
        and not isinstance(node.args[0], ast.Constant)
    }

    assert loose == OUR_PATTERNS


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-tracing.lock", "requirements-dev.lock"])
def test_every_package_is_pinned_by_hash(lock: str) -> None:
    packages = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    pinned = [each for each in packages if not each.startswith("#")]

    assert len(pinned) > 20
    assert [each.partition(" ")[0] for each in pinned if "==" not in each or "--hash=sha256:" not in each] == []
