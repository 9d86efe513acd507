"""What every test may ask for; the fixtures themselves are in tests/fixtures, by what they give."""

from datetime import UTC, datetime

import pytest

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.services",
    "tests.fixtures.lanes",
    "tests.fixtures.browser",
    "tests.fixtures.serving",
    "tests.fixtures.signing_in",
]


@pytest.fixture
def now() -> datetime:
    """The fixed moment at which tests happen."""
    return datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
