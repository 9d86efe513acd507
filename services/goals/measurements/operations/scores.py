"""Making measurements of the scores that feedback releases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.indicators.errors import UnknownIndicator
from services.goals.indicators.queries import indicators_by_key
from services.goals.measurements.domain import Release, Reported, Rules, Taken, checked, what_to_do
from services.goals.measurements.errors import NotARatio
from services.goals.measurements.operations.recording import Entry, Origin, record_entries
from services.goals.measurements.queries.vintages import intake_for_update, pending_intakes, taken_of_all_cells
from services.goals.measurements.tables import ScoreIntake
from services.goals.organisation.queries import the_body, unit_by_key
from services.goals.targets.operations import lock_series
from services.goals.targets.queries import headline_series
from shared.http.auth import UnitScope
from shared.messaging.outbox import Cause
from shared.periods.calendar import FiscalCalendar, Period

_AT_ONCE = 100
"""Pending releases taken in one transaction."""
_EVERYWHERE = UnitScope(everywhere=True)


@dataclass(frozen=True, slots=True)
class ReleasedScore:
    """A score as `score.released` tells it; `number` is its release, counted from 1 within its cell."""

    cell_id: UUID
    indicator_id: UUID
    unit_id: UUID
    period: Period
    number: int
    numerator: Decimal
    denominator: Decimal
    final: bool
    released_at: datetime


async def record_released_scores(
    session: AsyncSession, scores: Sequence[tuple[ReleasedScore, Cause]], *, now: datetime
) -> None:
    """Take a run of released scores, each with its event, in their order."""
    # Their series first, in the order in which every writer locks; one by one, two writers could wait for each other.
    pairs = {(score.indicator_id, score.unit_id) for score, _ in scores}
    await headline_series(session, pairs, for_update=True)
    for score, cause in scores:
        await record_released_score(session, score, cause=cause, now=now)


async def record_released_score(session: AsyncSession, score: ReleasedScore, *, cause: Cause, now: datetime) -> None:
    """Take a released score: the first provisional one of a day and the final one at once, others at the day's end.

    None overwrites another: each one taken is a vintage of its own. What was taken, or is older, changes nothing.
    Other cells may feed the same indicator, unit and period (another survey, or a question put anew under another id):
    the vintage pools what was taken of each.
    """
    indicator_ids = await indicators_by_key(session, [str(score.indicator_id)])
    if not indicator_ids:
        raise UnknownIndicator(f"There is no indicator {score.indicator_id}.")
    await unit_by_key(session, str(score.unit_id), _EVERYWHERE)
    day = FiscalCalendar(time_zone=(await the_body(session)).time_zone).day_of(score.released_at)
    intake = await _intake(session, score)
    if intake.pending_day is not None and intake.pending_day < day:
        await _take_pending(session, intake, now=now)
    release = Release(score.number, score.final, day)
    decision = what_to_do(release, Taken(intake.taken_release, intake.taken_day, intake.closed))
    if decision == "nothing" or score.number <= (intake.pending_release or 0):
        return
    if decision == "wait":
        intake.pending_release, intake.pending_day = score.number, day
        intake.numerator, intake.denominator = score.numerator, score.denominator
        intake.cause_id, intake.cause_depth = cause.event_id, cause.depth
    else:
        # A release that still waits is an earlier step of this one's day, and this one says more.
        _clear_pending(intake)
        intake.taken_release, intake.taken_day, intake.closed = score.number, day, score.final
        intake.taken_numerator, intake.taken_denominator = score.numerator, score.denominator
        await _record(session, intake, cause=cause, now=now)
    await session.flush()


async def take_pending_scores(session: AsyncSession, *, now: datetime) -> bool:
    """Take the newest of the releases that waited for the end of their day, and say whether there were any."""
    today = FiscalCalendar(time_zone=(await the_body(session)).time_zone).day_of(now)
    waiting = await pending_intakes(session, before=today, limit=_AT_ONCE)
    await headline_series(session, {(one.indicator_id, one.unit_id) for one in waiting}, for_update=True)
    for intake in waiting:
        await _take_pending(session, intake, now=now)
    await session.flush()
    return bool(waiting)


async def _intake(session: AsyncSession, score: ReleasedScore) -> ScoreIntake:
    intake = await intake_for_update(session, score.cell_id)
    if intake is not None:
        return intake
    first = {
        "cell_id": score.cell_id,
        "indicator_id": score.indicator_id,
        "unit_id": score.unit_id,
        "frequency": score.period.frequency,
        "period_start": score.period.start,
        "taken_release": 0,
        "closed": False,
    }
    await session.execute(insert(ScoreIntake).values(first).on_conflict_do_nothing())
    intake = await intake_for_update(session, score.cell_id)
    assert intake is not None  # noqa: S101 - it was inserted above, here or by somebody who has committed
    return intake


async def _take_pending(session: AsyncSession, intake: ScoreIntake, *, now: datetime) -> None:
    number, numerator, denominator = intake.pending_release, intake.numerator, intake.denominator
    cause_id, cause_depth = intake.cause_id, intake.cause_depth
    if number is None or numerator is None or denominator is None or cause_id is None or cause_depth is None:
        return
    _clear_pending(intake)
    intake.taken_release, intake.taken_numerator, intake.taken_denominator = number, numerator, denominator
    await _record(session, intake, cause=Cause(cause_id, cause_depth), now=now)


def _clear_pending(intake: ScoreIntake) -> None:
    intake.pending_release = intake.pending_day = intake.numerator = intake.denominator = None
    intake.cause_id = intake.cause_depth = None


async def _record(session: AsyncSession, intake: ScoreIntake, *, cause: Cause, now: datetime) -> None:
    """Make a vintage of all that was taken for the intake's indicator, unit and period; final once all of it is."""
    key = str(intake.indicator_id)
    indicator, calendar = (await indicators_by_key(session, [key]))[key]
    if indicator.ratio_factor is None:
        raise NotARatio(f"A score is a sum over a count, and «{indicator.code}» is not a ratio.")
    await session.flush()
    await lock_series(session, {(intake.indicator_id, intake.unit_id)})
    numerator, denominator, final = await taken_of_all_cells(session, intake)
    fiscal = calendar.fiscal()
    reported = Reported(
        Period(intake.period_start, intake.frequency),
        numerator=numerator,
        denominator=denominator,
        obs_status="A" if final else "P",
    )
    value = checked(reported, Rules(indicator.frequency, fiscal, indicator.ratio_factor), today=fiscal.day_of(now))
    origin = Origin("feedback", recorded_by="feedback", cause=cause)
    await record_entries(session, [Entry((indicator.id, intake.unit_id), value)], origin, now=now)
