"""Decimals at the edges: text in both directions, so that no float ever touches a reported value."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from shared.decimals import DECIMAL_PATTERN, plain


def _from_text(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError('a decimal is written as text in quotes, such as "12.50": a JSON number would lose digits')
    if not _matches(value):
        raise ValueError("a decimal has at most 18 digits before and 12 after the point, such as -12.50")
    return Decimal(value)


def _matches(value: str) -> bool:
    whole, _, fraction = value.removeprefix("-").partition(".")
    digits = whole.isascii() and whole.isdigit() and len(whole) <= 18
    if "." not in value:
        return digits
    return digits and fraction.isascii() and fraction.isdigit() and len(fraction) <= 12


DecimalText = Annotated[
    Decimal,
    BeforeValidator(_from_text),
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DECIMAL_PATTERN, "examples": ["12.50"]}),
]
