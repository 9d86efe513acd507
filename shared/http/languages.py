"""The languages that a caller reads, from Accept-Language."""

from typing import Annotated

from fastapi import Depends, Request

MOST = 10
_LONGEST = 1000


def languages_in(accepted: str) -> tuple[str, ...]:
    """The languages of an Accept-Language header, best first, each followed by its plain form: `cy-GB` reads `cy` too.

    What cannot be read is passed over: a header that a browser sends by itself is no reason to refuse anybody.
    """
    weighted = []
    for part in accepted[:_LONGEST].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        if tag and tag != "*" and weight > 0:
            weighted.append((weight, tag))
    ordered = [tag for _, tag in sorted(weighted, key=lambda each: -each[0])][:MOST]
    return tuple(dict.fromkeys(form for tag in ordered for form in (tag, tag.split("-")[0].lower())))


async def languages_of(request: Request) -> tuple[str, ...]:
    """The caller's languages, best first."""
    return languages_in(request.headers.get("accept-language", ""))


Languages = Annotated[tuple[str, ...], Depends(languages_of)]
