"""Reading charts, and the facts that they are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Uuid, any_, bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.charts.domain import Direction, StoredChart, Xmr
from services.reporting.charts.tables import Chart
from services.reporting.directory.tables import Indicator
from services.reporting.facts.tables import Result, ResultValue

Charted = Literal["month", "quarter", "year"]
XMR = TypeAdapter(Xmr)
"""From the stored judgement to the JSON of its column and back, without a digit lost."""

_OF_RESULTS = any_(bindparam("results", type_=ARRAY(Uuid)))
_FACTS = (
    select(
        ResultValue.result_id,
        Indicator.frequency,
        Indicator.direction,
        ResultValue.period_start,
        ResultValue.value,
        ResultValue.expected,
        ResultValue.target,
    )  # type: ignore[call-overload]  # SQLModel has overloads up to four columns
    .join(Result, col(Result.result_id) == col(ResultValue.result_id))
    .join(Indicator, col(Indicator.id) == col(Result.indicator_id))
    .where(col(ResultValue.result_id) == _OF_RESULTS, col(ResultValue.frequency) == col(Indicator.frequency))
    .order_by(col(ResultValue.result_id), col(ResultValue.period_start))
)
_CHARTS = select(Chart).where(col(Chart.result_id) == _OF_RESULTS, col(Chart.frequency) == bindparam("at"))
"""Made once, since somebody waits for charts and scorecards: making a statement costs more than sending it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One period of a result, as far as a chart needs it."""

    result_id: UUID
    frequency: Charted
    direction: Direction
    start: date
    value: Decimal | None
    expected: int
    target: Decimal | None


async def charts_of(session: AsyncSession, result_ids: Sequence[UUID], frequency: str) -> dict[UUID, StoredChart]:
    """The stored charts of these results at one frequency; a result without one is left out."""
    rows = await session.exec(_CHARTS, params={"results": list(result_ids), "at": frequency})
    return {
        row.result_id: StoredChart(
            row.result_id,
            cast(Charted, row.frequency),
            tuple(date.fromisoformat(start) for start in row.starts),
            XMR.validate_python(row.drawn),
        )
        for row in rows
    }


async def facts_of(session: AsyncSession, result_ids: Sequence[UUID]) -> list[Fact]:
    """The periods of these results at the frequency of their indicators, by result and in order."""
    rows = await session.exec(_FACTS, params={"results": list(result_ids)})
    return [
        Fact(result_id, frequency, direction, start, value, expected, _target(target))
        for result_id, frequency, direction, start, value, expected, target in rows
    ]


async def results_of_indicators(session: AsyncSession, indicator_ids: Sequence[UUID]) -> list[UUID]:
    """Every result of these indicators."""
    rows = await session.exec(select(Result.result_id).where(col(Result.indicator_id).in_(indicator_ids)))
    return sorted(rows)


def _target(target: dict[str, Any] | None) -> Decimal | None:
    """The one number a line can be drawn at; a range or a milestone has none."""
    if target is None or target["type"] in ("range", "milestone", "undefined") or target.get("value") is None:
        return None
    return Decimal(target["value"])
