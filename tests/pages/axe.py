"""What axe, the checker of accessibility, finds on a page."""

from typing import Any

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(page: Page) -> list[str]:
    """What axe finds wrong on a page: rule and place."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": RULES}
    found = await Axe().run(page, options=options)
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]
