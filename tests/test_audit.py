"""A vulnerability fails the audit, and an audit that could not be made says so."""

from tests.audit import told

SOUND = {"name": "starlette", "version": "1.3.1", "vulns": []}
UNKNOWN = {"name": "steward", "skip_reason": "Dependency not found"}
BAD = {"name": "jinja2", "version": "2.0", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["3.1.6"]}]}


def test_a_known_vulnerability_fails_and_names_the_version_to_take() -> None:
    lines, good = told([SOUND, BAD])

    assert not good
    assert lines[0] == "jinja2 2.0: CVE-2026-1, mended in 3.1.6"


def test_an_audit_that_asked_nobody_is_not_silent() -> None:
    assert told([UNKNOWN])[0][0].startswith("NOT AUDITED")
    assert told([])[0][0].startswith("NOT AUDITED")


def test_a_package_that_is_not_known_is_named() -> None:
    lines, good = told([SOUND, UNKNOWN])

    assert good
    assert lines[0].startswith("NOT AUDITED: steward")
