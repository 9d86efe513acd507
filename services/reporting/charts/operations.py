"""Drawing charts anew from the facts."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, delete, exists, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.charts.domain import RULE_SET, leaves_something, xmr
from services.reporting.charts.queries import XMR, Fact, facts_of, results_of_indicators
from services.reporting.charts.tables import Chart
from shared.periods.calendar import FiscalCalendar, Period

RESULTS_AT_A_TIME = 500


async def redraw(session: AsyncSession, result_ids: Sequence[UUID]) -> None:
    """Draw the charts of these results, each at the frequency of its indicator, and forget those at any other.

    What is drawn depends on the stored facts alone, so that neither the order of events nor a repetition shows.
    """
    wanted = sorted(set(result_ids))
    for first in range(0, len(wanted), RESULTS_AT_A_TIME):
        await _redraw(session, wanted[first : first + RESULTS_AT_A_TIME])


async def redraw_indicators(session: AsyncSession, indicator_ids: Sequence[UUID]) -> None:
    """Draw every chart of these indicators: their direction or frequency may be another now."""
    await redraw(session, await results_of_indicators(session, indicator_ids))


async def _redraw(session: AsyncSession, result_ids: Sequence[UUID]) -> None:
    facts = await facts_of(session, result_ids)
    rows = [row for _, of_result in groupby(facts, attrgetter("result_id")) for row in _drawn(list(of_result))]
    kept = {"kept": [row["result_id"] for row in rows], "at": [row["frequency"] for row in rows]}
    await session.exec(_FORGET, params={"results": list(result_ids), **kept})
    if rows:
        await session.exec(_DRAW, params=rows)


def _forget() -> Any:
    arrays = (bindparam("kept", type_=ARRAY(Uuid)), bindparam("at", type_=ARRAY(Text)))
    kept = func.unnest(*arrays).table_valued("result_id", "frequency", name="kept").render_derived()
    of_result, at_frequency = col(Chart.result_id), col(Chart.frequency)
    is_kept = exists().where(of_result == kept.c.result_id, at_frequency == kept.c.frequency)
    of_these = of_result == any_(bindparam("results", type_=ARRAY(Uuid)))
    return delete(Chart).where(of_these, ~is_kept).execution_options(synchronize_session=False)


def _draw() -> Any:
    statement = insert(Chart)
    drawn = ("variation", "assurance", "starts", "drawn", "rule_set")
    return statement.on_conflict_do_update(
        index_elements=["result_id", "frequency"], set_={name: statement.excluded[name] for name in drawn}
    )


_FORGET, _DRAW = _forget(), _draw()
"""Made once, since somebody waits for what is applied: making a statement costs more than sending it."""


def _drawn(facts: list[Fact]) -> Iterator[dict[str, Any]]:
    """The row of one result's chart, unless it has no figure at all."""
    while facts and facts[0].value is None and facts[0].expected == 0:
        facts.pop(0)
    while facts and facts[-1].value is None and facts[-1].expected == 0:
        facts.pop()
    if not any(fact.value is not None for fact in facts):
        return
    frequency = facts[0].frequency
    known = {fact.start: fact for fact in facts}
    # Those without a row included: they are gaps, not neighbours.
    first, last = Period(facts[0].start, frequency), Period(facts[-1].start, frequency)
    starts = [period.start for period in FiscalCalendar().every(first, last)]
    line = [known.get(start) for start in starts]
    values = [None if fact is None or fact.value is None else float(fact.value) for fact in line]
    targets = [None if fact is None or fact.target is None else float(fact.target) for fact in line]
    chart = xmr(values, direction=facts[0].direction, target=targets, screen=leaves_something(values))
    yield {
        "result_id": facts[0].result_id,
        "frequency": frequency,
        "variation": chart.variation,
        "assurance": chart.assurance,
        "starts": [start.isoformat() for start in starts],
        "drawn": XMR.dump_python(chart, mode="json"),
        "rule_set": {**RULE_SET, "screened": chart.screened},
    }
