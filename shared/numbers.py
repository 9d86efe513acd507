"""Decimals at the edges: text in both directions, so that no float ever touches a reported value."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

DECIMAL_PATTERN = r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"
_TWELVE_PLACES = Decimal(1).scaleb(-12)
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def plain(value: Decimal) -> str:
    """The decimal as it was written, trailing zeros and all, never in scientific notation."""
    return format(value, "f")


def rounded(value: Decimal) -> Decimal:
    """A computed decimal, rounded once, half even, to twelve places, without trailing zeros."""
    quantised = value.quantize(_TWELVE_PLACES, context=_WIDE).normalize(_WIDE)
    return quantised.quantize(Decimal(1)) if quantised == quantised.to_integral_value() else quantised


def divided(numerator: Decimal, denominator: Decimal) -> Decimal:
    """The quotient at a precision that twelve-place rounding cannot notice."""
    return _WIDE.divide(numerator, denominator)


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
