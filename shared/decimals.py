"""Decimals as pure values: how they are written, rounded and divided."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

DECIMAL_PATTERN = r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"
POSITIVE_PATTERN = r"^(?=.*[1-9])[0-9]{1,18}(\.[0-9]{1,12})?$"
_TWELVE_PLACES = Decimal(1).scaleb(-12)
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def plain(value: Decimal) -> str:
    """The decimal as it was written, trailing zeros and all, never in scientific notation."""
    return format(value, "f")


def rounded(value: Decimal) -> Decimal:
    """A computed decimal, rounded once, half even, to twelve places, without trailing zeros."""
    quantised = value.quantize(_TWELVE_PLACES, context=_WIDE).normalize(_WIDE)
    return quantised.quantize(Decimal(1), context=_WIDE) if quantised == quantised.to_integral_value() else quantised


def divided(numerator: Decimal, denominator: Decimal) -> Decimal:
    """The quotient at a precision that twelve-place rounding cannot notice."""
    return _WIDE.divide(numerator, denominator)
