"""What the templates show: domain values as words and numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from services.reporting.charts.formats import words
from services.reporting.facts.domain import Status
from services.reporting.scorecards.domain.answers import Coverage, Dashboard, Figure, IndicatorRef, ShownPeriod, Target
from services.reporting.scorecards.domain.asking import DashboardFilters
from shared.decimals import plain
from shared.texts import in_language

STATUS: dict[Status, str] = {
    "met": "Target met",
    "not_met": "Target not met",
    "on_track": "On track",
    "off_track": "Off track",
    "no_information": "No information",
    "not_expected": "Not expected",
}
LONGEST_SIGN = 2


@dataclass(frozen=True, slots=True)
class Speaker:
    """Texts and numbers for one reader."""

    languages: tuple[str, ...]

    def text(self, text: Mapping[str, str] | None) -> str:
        """The text in the reader's language, else in the body's."""
        return in_language(text or {}, *self.languages)

    def number(self, value: Decimal | float | None, indicator: IndicatorRef) -> str:
        """The value at the indicator's decimals with its unit of measure."""
        if value is None:
            return "–"
        return words.with_unit(value, indicator.decimals, self.text(indicator.unit_of_measure))

    def bare(self, value: Decimal | float | None, indicator: IndicatorRef) -> str:
        """The same without the unit, for columns whose heading names it."""
        return "–" if value is None else words.number(value, indicator.decimals)

    def long_unit(self, indicator: IndicatorRef) -> str:
        """The unit of measure where it is a word: a sign such as % stays with its number, a word is said once."""
        unit = self.text(indicator.unit_of_measure)
        return unit if len(unit) > LONGEST_SIGN else ""

    def compact(self, value: Decimal | float | None, indicator: IndicatorRef) -> str:
        """The value with its unit where that is a sign, for places that say the word elsewhere."""
        return self.bare(value, indicator) if self.long_unit(indicator) else self.number(value, indicator)

    def target(self, target: Target | None, indicator: IndicatorRef) -> str:
        """What the number is held against, in words."""
        if target is None or target.type == "undefined":
            return "No target"
        if target.type == "milestone":
            return self.text(target.milestone)
        if target.type == "range":
            return f"{self.bare(target.low, indicator)} to {self.number(target.high, indicator)}"
        bound = "or less" if target.type in ("decrease_to", "maintain_at_or_below") else "or more"
        return f"{self.number(target.value, indicator)} {bound}"


def coverage(figure: Coverage) -> str:
    """How many reported of how many that were expected."""
    if figure.expected == 0:
        return "None expected"
    if figure.expected == 1:
        return "Reported" if figure.reported else "Not reported"
    return f"{figure.reported:,} of {figure.expected:,} expected units reported"


def status_words(figure: Figure) -> str:
    """The status in words; a number without a target lacks no information, only something to be held against."""
    return "No target" if figure.status == "no_information" and figure.value is not None else STATUS[figure.status]


def closed(indicators: Iterable[IndicatorRef]) -> list[IndicatorRef]:
    """Those that the public does not see."""
    return [indicator for indicator in indicators if indicator.disclosure_class != "open"]


def unbroken(sentence: str) -> str:
    """The sentence with its numbers kept on one line with their percent signs."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def count(value: Decimal | None) -> str:
    """A numerator or denominator as it was reported, thousands apart."""
    if value is None:
        return "–"
    whole, point, fraction = plain(value).partition(".")
    return f"{int(whole):,}{point}{fraction}"


def choice(period: ShownPeriod) -> tuple[str, str]:
    """A period as the value of a form, with its label."""
    return f"{period.start:%Y-%m}", period.label


def shares(board: Dashboard) -> list[tuple[Status, int, float, float]]:
    """Statuses with their counts, and where their piece of a bar of 100 begins and how long it is."""
    total = sum(board.counts.values())
    pieces, start = [], 0.0
    for status in STATUS:
        number = board.counts.get(status, 0)
        if number:
            length = 100 * number / total
            pieces.append((status, number, start, length))
            start += length
    return pieces


def columns_with_something(board: Dashboard) -> list[int]:
    """The places of the columns in which some row is expected to have a figure; the leading one is always there."""
    return [
        place
        for place in range(len(board.columns))
        if place == 0 or any(row.cells[place].figure.status != "not_expected" for row in board.rows)
    ]


def columns_with_status(board: Dashboard) -> list[int]:
    """The places of the columns in which a status says more than that there is no target; the leading one always."""
    return [
        place
        for place in range(len(board.columns))
        if place == 0
        or any(row.cells[place].figure.status not in ("no_information", "not_expected") for row in board.rows)
    ]


def address(path: str, **parameters: str | Sequence[str] | None) -> str:
    """A path with the parameters that say something."""
    query = urlencode({name: value for name, value in parameters.items() if value}, doseq=True)
    return f"{path}?{query}" if query else path


def asked(filters: DashboardFilters, period: str) -> dict[str, str | Sequence[str] | None]:
    """The filters as they stand in the address, without those that are at their default."""
    return {
        "q": filters.q,
        "region": filters.region,
        "status": filters.status,
        "period": period,
        "indicator": filters.indicators,
        "level": None if filters.level == "organisation" else filters.level,
        "sort": None if filters.sort == "name" else filters.sort,
    }
