"""What is done to Steward on purpose, by name."""

from collections.abc import Callable, Coroutine
from typing import Any

from tests.chaos.proof import Plan

Scenario = Callable[[Plan, Callable[[str], None]], Coroutine[Any, Any, dict[str, Any]]]
SCENARIOS: dict[str, Scenario] = {}
