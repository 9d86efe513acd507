"""Keeping what goals said of each result and period, whatever order it arrives in."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, delete, exists
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.facts.tables import RecordedVintage, Result, ResultValue
from shared.contracts import EvaluationMade, MeasurementRecorded
from shared.upserts import keep_newest


async def keep_evaluations(session: AsyncSession, evaluations: Sequence[tuple[int, EvaluationMade]]) -> None:
    """Keep each period as the newest version of its result that names it says."""
    results = [
        {
            "result_id": made.result_id,
            "series_id": made.series_id,
            "indicator_id": made.series.indicator_id,
            "unit_id": made.series.unit_id,
            "disaggregation": made.series.disaggregation,
            "inputs_version": made.inputs_version,
            "evaluated_at": made.evaluated_at,
            "rule_set": made.rule_set.model_dump(mode="json"),
            "version": version,
        }
        for version, made in evaluations
    ]
    values = [
        {
            "result_id": made.result_id,
            "frequency": period.period.frequency,
            "period_start": period.period.start,
            "indicator_id": made.series.indicator_id,
            "value": period.value,
            "numerator": period.numerator,
            "denominator": period.denominator,
            "obs_status": period.obs_status,
            "missing_reason": period.missing_reason,
            "reported": period.reported,
            "expected": period.expected,
            "held_back": period.held_back,
            "target": period.target.model_dump(mode="json") if period.target else None,
            "target_inherited_from": period.target_inherited_from,
            "target_derived": period.target_derived,
            "progress": period.progress,
            "status": period.status,
            "status_rule": period.status_rule,
            "version": version,
        }
        for version, made in evaluations
        for period in made.periods
    ]
    await keep_newest(session, Result, results)
    await keep_newest(session, ResultValue, values)
    await _forget_earlier_records(session, {made.result_id for _, made in evaluations})


async def _forget_earlier_records(session: AsyncSession, result_ids: set[UUID]) -> None:
    """The whole record starts with its first period; where an earlier one came in, the old start stands for nothing."""
    await session.exec(_FORGET, params={"results": list(result_ids)})


def _forget() -> Any:
    newer = aliased(ResultValue)
    has_newer = exists().where(
        col(newer.result_id) == col(ResultValue.result_id),
        col(newer.frequency) == "record",
        col(newer.version) > col(ResultValue.version),
    )
    forgotten = delete(ResultValue).where(
        col(ResultValue.result_id) == any_(bindparam("results", type_=ARRAY(Uuid))),
        col(ResultValue.frequency) == "record",
        has_newer,
    )
    return forgotten.execution_options(synchronize_session=False)


_FORGET = _forget()
"""Made once: making a statement costs more than sending it."""


async def keep_vintages(session: AsyncSession, recorded: Sequence[MeasurementRecorded]) -> None:
    """Keep which vintages each period has; a row each, so that they can be counted in whatever order they come."""
    rows = [
        {
            "series_id": event.series_id,
            "frequency": value.period.frequency,
            "period_start": value.period.start,
            "vintage": value.vintage,
            "source": event.source,
        }
        for event in recorded
        for value in event.values
    ]
    await keep_newest(session, RecordedVintage, rows, newer="vintage")
