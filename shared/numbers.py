"""Decimals at the edges: text in both directions, so that no float ever touches a reported value."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from shared.decimals import DECIMAL_PATTERN, plain

_WRITTEN = re.compile(DECIMAL_PATTERN.removesuffix("$"))


def _from_text(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError('a decimal is written as text in quotes, such as "12.50": a JSON number would lose digits')
    if not _WRITTEN.fullmatch(value):
        raise ValueError("a decimal has at most 18 digits before and 12 after the point, such as -12.50")
    return Decimal(value)


DecimalText = Annotated[
    Decimal,
    BeforeValidator(_from_text),
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DECIMAL_PATTERN, "examples": ["12.50"]}),
]
