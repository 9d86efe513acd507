"""Texts that readers see: one object from language tag to text, the same in columns, requests, answers and events."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)]
Text = Annotated[
    dict[LanguageTag, Annotated[str, StringConstraints(min_length=1, max_length=2000)]],
    Field(min_length=1, max_length=40, examples=[{"en": "Four-hour waits"}]),
]


def in_language(text: Mapping[str, str], *preferred: str) -> str:
    """The text in the first of the preferred languages that it has, else in whichever language comes first."""
    for language in preferred:
        if language in text:
            return text[language]
    return next(iter(text.values()), "")
