"""How long the services are asked: a moment with every run of the tests, or for so many minutes."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fuzz-minutes 10`."""
    parser.addoption("--fuzz-minutes", type=int, default=None, help="Minutes for the three services together")
