"""An operation that will go: announced a year ahead, in the document and with every answer."""

from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

from fastapi import Depends, Response

NOTICE = timedelta(days=365)


def deprecated_route(*, since: date, sunset: date, link: str) -> dict[str, Any]:
    """`@router.get("/v1/old", **deprecated_route(since=…, sunset=…, link=…))`; `link` says what to use instead.

    Its answers carry Deprecation (RFC 9745) and Sunset (RFC 8594).
    """
    if sunset - since < NOTICE:
        raise ValueError(
            f"A sunset is at least {NOTICE.days} days after its announcement, not {(sunset - since).days}."
        )
    headers = {
        "Deprecation": f"@{int(_midnight(since).timestamp())}",
        "Sunset": format_datetime(_midnight(sunset), usegmt=True),
        "Link": f'<{link}>; rel="deprecation"',
    }

    async def announce(response: Response) -> None:
        response.headers.update(headers)

    return {
        "deprecated": True,
        "dependencies": [Depends(announce)],
        "openapi_extra": {"x-sunset": sunset.isoformat()},
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
