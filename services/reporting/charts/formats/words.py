"""What a control chart says, in sentences a reader understands without knowing control charts."""

from decimal import ROUND_HALF_EVEN, Decimal

from services.reporting.charts.domain import SHORT, Kind, StoredChart

PERIODS = {"month": "month", "quarter": "quarter", "year": "year", "record": "period"}
KINDS: dict[Kind, str] = {
    "common": "Usual variation",
    "improvement": "Unusual, for the better",
    "concern": "Unusual, for the worse",
    "neutral_high": "Unusually high",
    "neutral_low": "Unusually low",
}
VARIATION = {
    "common": "No unusual change",
    "improvement_high": "Getting better",
    "improvement_low": "Getting better",
    "concern_high": "Getting worse",
    "concern_low": "Getting worse",
    "neutral_high": "Unusually high",
    "neutral_low": "Unusually low",
}
ASSURANCE = {
    "consistent_pass": "Likely to keep meeting the target",
    "consistent_fail": "Unlikely to meet the target without a change",
    "inconsistent": "Could meet or miss the target",
}


def number(value: Decimal | float, decimals: int) -> str:
    """A number as it is shown: rounded once, half even, thousands apart."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN):,f}"


def with_unit(value: Decimal | float, decimals: int, unit: str) -> str:
    """A number with its unit of measure: `86.60 %`, `12,345 attendances`."""
    return f"{number(value, decimals)} {unit}".rstrip()


def variation_sentence(chart: StoredChart) -> str:
    """Why the newest figure is called usual or unusual."""
    last = next((point for point in reversed(chart.xmr.points) if point.value is not None), None)
    if last is None:
        return "There is no figure yet."
    period = PERIODS[chart.frequency]
    if last.rule == "outside_limits":
        beyond = "above the upper limit" if last.high else "below the lower limit"
        return f"The newest {period} lies {beyond} of what this record leads one to expect."
    if last.rule == "trend":
        return f"At least seven {period}s in a row have gone {'up' if last.high else 'down'}."
    if last.rule == "two_in_three":
        return f"Two of the last three {period}s lie close to the {'upper' if last.high else 'lower'} limit."
    if last.rule == "shift":
        return f"At least seven {period}s in a row lie {'above' if last.high else 'below'} the average."
    return f"The newest {period} lies within the ups and downs that this record always has."


def assurance_sentence(chart: StoredChart) -> str:
    """What to expect of the target if nothing is changed."""
    period = PERIODS[chart.frequency]
    match chart.xmr.assurance:
        case "consistent_pass":
            return f"If things go on as they are, even a poor {period} meets the target."
        case "consistent_fail":
            return f"If things go on as they are, even a good {period} misses the target."
        case "inconsistent":
            return (
                f"The target lies within the usual ups and downs: some {period}s meet it and some miss it, by chance."
            )
        case _:
            return "There is no target that a limit could be compared with."


def caution(chart: StoredChart) -> str | None:
    """What makes the limits less firm than they look."""
    segment = chart.xmr.segments[-1] if chart.xmr.segments else None
    period = PERIODS[chart.frequency]
    if segment is None or not segment.short:
        return None
    known = f"only {segment.points} {period}{'' if segment.points == 1 else 's'}"
    return f"The limits rest on {known}; they are rough until there are {SHORT}."


def limits_sentence(chart: StoredChart, *, decimals: int, unit: str) -> str | None:
    """The average and the limits, where one set of them holds from beginning to end."""
    limits = chart.xmr.segments[0].limits if len(chart.xmr.segments) == 1 else None
    if limits is None or limits.centre is None:
        return None
    average = f"The average is {with_unit(limits.centre, decimals, unit)}"
    if limits.lower is None or limits.upper is None:
        return f"{average}."
    return f"{average}, usual variation from {number(limits.lower, decimals)} to {number(limits.upper, decimals)}."
