"""Texts that readers see: one object from language tag to text, the same in columns, requests, answers and events."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from shared.errors import FieldError, InvalidInput

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)]


def _by_language(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError('an object from language tag to text, such as {"en": "Four-hour waits"}')
    return value


Text = Annotated[
    dict[LanguageTag, Annotated[str, StringConstraints(min_length=1, max_length=2000)]],
    Field(min_length=1, max_length=40, examples=[{"en": "Four-hour waits"}]),
    BeforeValidator(_by_language),
]


def in_language(text: Mapping[str, str], *preferred: str) -> str:
    """The text in the first of the preferred languages that it has, else in whichever language comes first."""
    for language in preferred:
        if language in text:
            return text[language]
    return next(iter(text.values()), "")


TextPatch = Annotated[
    dict[LanguageTag, Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None],
    Field(min_length=1, max_length=40, examples=[{"fr": "Attentes de quatre heures"}]),
    BeforeValidator(_by_language),
]
"""A merge patch of a text: languages named are replaced, those set to null removed, the others stay."""


def merged(text: Mapping[str, str] | None, patch: Mapping[str, str | None]) -> dict[str, str]:
    """The text after a merge patch."""
    together = {**(text or {}), **patch}
    return {language: words for language, words in together.items() if words is not None}


def check_language(language: str, **texts: Mapping[str, str] | None) -> None:
    """Refuse texts that lack the body's default language, naming each of them at once."""
    lacking = [
        FieldError(f"/{name}", f"a text with at least the language {language!r}")
        for name, text in texts.items()
        if text is not None and language not in text
    ]
    if lacking:
        raise InvalidInput(f"Texts need the body's default language, {language!r}.", lacking)
