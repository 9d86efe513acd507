"""The closed lists of what the others say, and how readers find a unit by a part of its name or code."""

import unicodedata
from datetime import date
from typing import Literal, NamedTuple

Direction = Literal["increase", "decrease", "neutral"]
DisclosureClass = Literal["open", "internal", "confidential"]
SurveyState = Literal["draft", "open", "closed"]


class Days(NamedTuple):
    """From a day to the last one inclusive; None is open."""

    valid_from: date
    valid_to: date | None


def searchable(*texts: str) -> str:
    """The texts as they are searched: without case and accents, each on a line of its own."""
    return "\n".join(_plain(text) for text in texts)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())
