"""Days as requests write them."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _as_written(value: Any) -> Any:
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    if is_day or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("a day is written as YYYY-MM-DD, such as 2026-04-01")


Day = Annotated[date, BeforeValidator(_as_written)]
"""An ISO day, and nothing else: a plain `date` would take 0 for the first day of 1970, and a whole instant too."""
