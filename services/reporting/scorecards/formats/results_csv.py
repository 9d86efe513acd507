"""Numbers with their names as CSV that spreadsheets, pandas and DuckDB read alike."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from services.reporting.scorecards.domain.answers import AsOf, Cell, IndicatorRef, Text, UnitRef
from shared.decimals import plain
from shared.texts import in_language

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text cell that starts so would be computed by a spreadsheet."""
COLUMNS = (
    "unit_code",
    "unit_name",
    "level",
    "region_code",
    "region_name",
    "indicator_code",
    "indicator_name",
    "frequency",
    "period_start",
    "period_label",
    "value",
    "numerator",
    "denominator",
    "unit_of_measure",
    "target_type",
    "target_value",
    "target_low",
    "target_high",
    "target_inherited_from",
    "target_derived",
    "status",
    "status_rule",
    "reported",
    "expected",
    "parts_held_back",
    "obs_status",
    "missing_reason",
    "notice",
    "update_held_back",
    "as_of",
    "as_of_position",
)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One indicator of one unit in one period."""

    unit: UnitRef
    region: UnitRef | None
    indicator: IndicatorRef
    cell: Cell
    notice: Text | None
    as_of: AsOf


Value = str | bool | int | Decimal | date | datetime | None


def heading() -> str:
    """The first line."""
    return _written([COLUMNS])


def lines(rows: Iterable[ResultRow], languages: Sequence[str]) -> str:
    """A line per row, names in the first of these languages that they have."""
    return _written([_text(value) for value in _values(row, languages)] for row in rows)


def _written(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _values(row: ResultRow, languages: Sequence[str]) -> tuple[Value, ...]:
    figure, target, region = row.cell.figure, row.cell.figure.target, row.region
    goals = next((log for log in row.as_of.logs if log.service == "goals"), None)
    return (
        row.unit.code,
        in_language(row.unit.name, *languages),
        row.unit.level,
        region.code if region else None,
        in_language(region.name, *languages) if region else None,
        row.indicator.code,
        in_language(row.indicator.name, *languages),
        figure.period.frequency if figure.period else None,
        figure.period.start if figure.period else None,
        figure.period.label if figure.period else None,
        figure.value,
        figure.numerator,
        figure.denominator,
        in_language(row.indicator.unit_of_measure, *languages),
        target.type if target else None,
        target.value if target else None,
        target.low if target else None,
        target.high if target else None,
        target.inherited_from.code if target and target.inherited_from else None,
        target.derived if target else None,
        figure.status,
        figure.status_rule,
        figure.coverage.reported,
        figure.coverage.expected,
        figure.coverage.held_back,
        figure.obs_status,
        figure.missing_reason,
        in_language(row.notice, *languages) if row.notice else None,
        row.cell.held_back,
        row.as_of.at,
        goals.position if goals else None,
    )


def _text(value: Value) -> str:
    """A number as it is, a text so that no spreadsheet computes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, int | date):
        return str(value)
    return f"'{value}" if value.startswith(FORMULA) else value
