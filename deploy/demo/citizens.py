"""Simulated people who answer the demo's survey over a year."""

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path

from deploy.demo.answers import SURVEY, simulated_answers
from deploy.demo.api import Api, LoadFailed
from deploy.demo.definitions import EXPERIENCE
from shared.clock import current_time

MONTHS = 12
_POLLS = 600


class Citizens:
    """They answer in each month of the year that ends yesterday, for which Steward's clock is moved."""

    def __init__(self, feedback: Api, goals: Api, clock: Path) -> None:
        self._feedback = feedback
        self._goals = goals
        self._clock = clock

    async def answer_for_a_year(self) -> int:
        """Post every month's answers and wait until goals has the score; gives how many answers that were."""
        real = current_time()
        given = 0
        try:
            for month in self._feedback.steps("Simulated answers", MONTHS):
                then = _day(real, months_ago=MONTHS - 1 - month)
                self._clock.write_text(str((then - real).total_seconds()))
                given += await self._answer(month, then)
        finally:
            self._clock.write_text("0")
        return given

    async def _answer(self, month: int, then: datetime) -> int:
        items = list(simulated_answers(24 + 3 * (month % 5), seed=month))
        await self._feedback.post(f"/v1/surveys/{SURVEY}/responses:batch", {"items": items})
        for _ in range(_POLLS):
            found = await self._goals.get(
                "/v1/measurements", indicator=EXPERIENCE, period_from=then.date().replace(day=1).isoformat()
            )
            if found["items"]:
                return len(items)
            await asyncio.sleep(0.1)
        raise LoadFailed(f"The score of {then:%B %Y} has not reached goals.")


def first_month() -> date:
    """The first day of the month in which the first simulated answers arrive."""
    return _day(current_time(), months_ago=MONTHS - 1).date().replace(day=1)


def _day(real: datetime, *, months_ago: int) -> datetime:
    """Yesterday, or the 15th of an earlier month, at the same time of the day."""
    yesterday = real - timedelta(days=1)
    count = yesterday.year * 12 + yesterday.month - 1 - months_ago
    return yesterday.replace(year=count // 12, month=count % 12 + 1, day=15) if months_ago else yesterday
