"""Setting aside the results that cannot be evaluated, so that all others go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.evaluation.queries import ResultSet
from services.goals.indicators.tables import Indicator
from services.goals.recalculation.tables import Dirty
from shared.messaging.outbox import Cause
from shared.telemetry import in_short

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=5)
FAILURES = Counter(
    "steward_evaluation_failures", "Evaluations of an indicator that failed and were put off", ["indicator"]
)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pause:
    """How often the evaluation of a result set has failed in a row, and when it is tried again."""

    failures: int
    until: datetime


async def paused(session: AsyncSession, *, now: datetime) -> Mapping[str, Pause]:
    """The result sets that wait for another try, by their place in the order of result sets."""
    query = (
        select(col(Dirty.indicator_id), col(Dirty.disaggregation), func.max(Dirty.failures), func.max(Dirty.not_before))
        .where(col(Dirty.not_before) > now)
        .group_by(col(Dirty.indicator_id), col(Dirty.disaggregation))
    )
    return {
        str(ResultSet(indicator, disaggregation).order): Pause(failures, until)
        for indicator, disaggregation, failures, until in (await session.exec(query)).all()
        if indicator is not None and disaggregation is not None and until is not None
    }


async def pause_after(
    session: AsyncSession, wanted: ResultSet, error: Exception, *, failures: int, now: datetime
) -> Pause:
    """Say that an evaluation failed, and how long it is left alone: twice as long each time, up to some minutes."""
    code = (await session.exec(select(Indicator.code).where(col(Indicator.id) == wanted.indicator_id))).one()
    wait = min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE)
    FAILURES.labels(code).inc()
    log.error(
        "evaluation_failed",
        indicator=code,
        disaggregation=wanted.disaggregation,
        error=in_short(error),
        failures=failures,
        wait=wait.total_seconds(),
    )
    return Pause(failures, now + wait)


def put_off(session: AsyncSession, wanted: ResultSet, pause: Pause, cause: Cause | None) -> None:
    """Mark the result set again, as a whole and for later: whatever its marks named is in it."""
    session.add(
        Dirty(
            indicator_id=wanted.indicator_id,
            disaggregation=wanted.disaggregation,
            cause_event_id=cause.event_id if cause else None,
            cause_depth=cause.depth if cause else 0,
            failures=pause.failures,
            not_before=pause.until,
        )
    )
