"""Titles and common sentences of problems in other languages: a file for each, and English for what it lacks."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shared.errors import ServiceError

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Translation:
    """One language. What a sentence tells of, `{n}` or `{unit}`, goes from the English one into the other as it is."""

    language: str
    titles: Mapping[str, str]
    """By the code of the problem."""
    sentences: Mapping[re.Pattern[str], str]

    def title(self, error: type[ServiceError] | ServiceError) -> str:
        """An error's title; English where the language has none."""
        return self.titles.get(error.code, error.title)

    def sentence(self, english: str) -> str | None:
        """A sentence in this language, or None where it has none."""
        for pattern, words in self.sentences.items():
            if found := pattern.fullmatch(english):
                return words.format(**found.groupdict())
        return None


class _English(Translation):
    __slots__ = ()

    def sentence(self, english: str) -> str:
        return english


ENGLISH = _English("en", {}, {})


@cache
def translations() -> Mapping[str, Translation]:
    """Every language that problems can be told in."""
    read = {file.stem: json.loads(file.read_text("utf-8")) for file in sorted(HERE.glob("*.json"))}
    return {"en": ENGLISH} | {
        language: Translation(
            language, each["titles"], {pattern_of(english): words for english, words in each["sentences"].items()}
        )
        for language, each in read.items()
    }


def translation_for(languages: Sequence[str]) -> Translation:
    """The first of a reader's languages that we have; English where that is none."""
    known = translations()
    return next((known[language] for language in languages if language in known), ENGLISH)


def pattern_of(english: str) -> re.Pattern[str]:
    """`{n} things` finds `3 things`."""
    parts = re.split(r"\{(\w+)\}", english)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)), re.DOTALL
    )


def told_in(words: Translation, problem: dict[str, Any], error: ServiceError) -> tuple[dict[str, Any], str]:
    """A problem in another language, and its Content-Language: with `en` where some sentence stays English."""
    if words is ENGLISH:
        return problem, "en"
    lacking = False

    def said(english: str) -> str:
        nonlocal lacking
        other = words.sentence(english)
        lacking = lacking or other is None
        return english if other is None else other

    told = {**problem, "title": words.title(error), "detail": said(problem["detail"])}
    if "errors" in problem:
        told["errors"] = [{**each, "accepted": said(each["accepted"])} for each in problem["errors"]]
    return told, f"{words.language}, en" if lacking else words.language
