"""Identifiers: UUIDs that sort by time, random ones where time would identify somebody, and the codes people know."""

import os
import re
import time
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import AfterValidator, StringConstraints

CODE_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
_UUID_SHAPE = re.compile(r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$")


def new_id() -> UUID:
    """A version 7 UUID: unique, and close to its neighbours in an index because it begins with the time."""
    milliseconds = time.time_ns() // 1_000_000
    bits = milliseconds << 80 | 0x7 << 76 | int.from_bytes(os.urandom(10)) & 0x0FFF_3FFF_FFFF_FFFF_FFFF | 0x2 << 62
    return UUID(int=bits)


def random_id() -> UUID:
    """A version 4 UUID, for things whose moment of making would say who made them."""
    return uuid4()


def as_id(key: str) -> UUID | None:
    """The UUID that a path or filter holds, or None where it holds a code."""
    return UUID(key) if _UUID_SHAPE.match(key) else None


def _no_uuid(code: str) -> str:
    if _UUID_SHAPE.match(code):
        raise ValueError("a code must not look like a UUID")
    return code


Code = Annotated[
    str,
    StringConstraints(pattern=CODE_PATTERN),
    AfterValidator(_no_uuid),
]
"""What callers call a unit, an indicator or a survey: unique, never reused, never shaped like a UUID."""

Key = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]
"""An id or a code, as a path, a filter or an item of a batch takes it."""
