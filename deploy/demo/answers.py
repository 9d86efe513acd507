"""The survey of the demo, and simulated answers to it: the same ones every time."""

import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

SURVEY = "ae-experience"
SIMULATED = {"en": "Simulated answers: nobody gave them."}
OPTIONS = ("very_good", "good", "neither", "poor", "very_poor", "dont_know")
_LIKELIHOOD = (38, 33, 12, 9, 5, 3)
_SCORES = ("5", "4", "3", "2", "1", None)
_TEXTS = ("Very good", "Good", "Neither good nor poor", "Poor", "Very poor", "Don't know")


def questions(indicator: str) -> list[dict[str, Any]]:
    """The questions of the survey; the first one feeds the indicator."""
    return [
        {
            "id": "overall",
            "kind": "single_choice",
            "text": {"en": "Overall, how was your experience of our service?"},
            "required": True,
            "indicator": indicator,
            "options": [
                {"id": option, "text": {"en": text}, "score": score}
                for option, text, score in zip(OPTIONS, _TEXTS, _SCORES, strict=True)
            ],
        },
        {
            "id": "hours",
            "kind": "number",
            "text": {"en": "About how many hours did you spend in the department?"},
            "required": False,
            "min": "0",
            "max": "72",
        },
        {
            "id": "improve",
            "kind": "text",
            "text": {"en": "What could we do better? Please do not name anybody."},
            "required": False,
            "max_length": 1000,
        },
    ]


def simulated_answers(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Responses as a phone would post them; the same seed gives the same ids, so that a repeat changes nothing."""
    dice = random.Random(seed)  # noqa: S311 - simulated answers, not secrets
    for _ in range(count):
        answers: dict[str, Any] = {"overall": dice.choices(OPTIONS, _LIKELIHOOD)[0]}
        if dice.random() < 0.6:
            answers["hours"] = f"{dice.lognormvariate(1.0, 0.5):.1f}"
        yield {
            "id": str(UUID(int=dice.getrandbits(128), version=4)),
            "version": 1,
            "language": "en",
            "answers": answers,
        }
