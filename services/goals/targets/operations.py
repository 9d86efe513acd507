"""Setting targets, and the series that targets and measurements belong to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.indicators.domain import Direction
from services.goals.indicators.errors import UnknownIndicator
from services.goals.indicators.queries import direction_of, indicators_by_key
from services.goals.organisation.domain import check_span
from services.goals.organisation.queries import the_body, unit_by_key
from services.goals.recalculation.operations import mark_dirty
from services.goals.schema import Outbox
from services.goals.targets.domain import TargetType, TypedTarget, check_direction, typed
from services.goals.targets.errors import DirectionContradictsTargets, TargetIncomplete, TargetPullsTheWrongWay
from services.goals.targets.queries import (
    SeriesPair,
    ever_applied_below,
    headline_series,
    newest_target,
    newest_targets,
)
from services.goals.targets.tables import Series, Target
from shared.contracts import PeriodKey, SeriesKey, TargetSet, TargetValue
from shared.errors import FieldError
from shared.http.auth import UnitScope
from shared.ids import new_id
from shared.messaging.outbox import Cause, publish
from shared.periods.calendar import FIRST_YEAR, LAST_YEAR, FiscalCalendar, NotAPeriod, Period
from shared.texts import check_language


@dataclass(frozen=True, slots=True)
class NewTarget:
    """A version of a target to be set; `indicator` and `unit` are ids or codes."""

    indicator: str
    unit: str
    type: TargetType
    valid_from: date
    reason: str
    valid_to: date | None = None
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    baseline: Decimal | None = None
    baseline_period: Period | None = None
    milestone: dict[str, str] | None = None
    applies_below: bool = False


async def lock_series(session: AsyncSession, pairs: Collection[SeriesPair]) -> dict[SeriesPair, Series]:
    """The headline series of these indicators and units, made where they are missing, locked in id order."""
    known = {(one.indicator_id, one.unit_id) for one in await headline_series(session, pairs)}
    # In one order for everybody, since who inserts the same key waits for whoever came first.
    missing = sorted(set(pairs) - known)
    if missing:
        rows = [
            {"id": new_id(), "indicator_id": indicator_id, "unit_id": unit_id, "disaggregation": {}, "version": 0}
            for indicator_id, unit_id in missing
        ]
        await session.execute(insert(Series).on_conflict_do_nothing(constraint="series_key"), rows)
    locked = await headline_series(session, pairs, for_update=True)
    return {(one.indicator_id, one.unit_id): one for one in locked}


async def set_target(
    session: AsyncSession, new: NewTarget, *, scope: UnitScope, actor: str, now: datetime
) -> tuple[Target, Series]:
    """Set a further version of the target of one of the caller's units; the versions before it stay to be read."""
    unit = await unit_by_key(session, new.unit, scope)
    found = (await indicators_by_key(session, [new.indicator])).get(new.indicator)
    if found is None:
        raise UnknownIndicator(f"There is no indicator «{new.indicator}».")
    indicator, calendar = found
    _check(new, calendar.fiscal())
    check_language((await the_body(session)).default_language, milestone=new.milestone)
    check_direction(_typed(new), await direction_of(session, indicator.id))
    series = (await lock_series(session, [(indicator.id, unit.id)]))[indicator.id, unit.id]
    before = await newest_target(session, series.id)
    reaches_below = new.applies_below or await ever_applied_below(session, series.id)
    row = Target(
        id=new_id(),
        series_id=series.id,
        version=before.version + 1 if before else 1,
        type=new.type,
        value=new.value,
        low=new.low,
        high=new.high,
        baseline=new.baseline,
        baseline_frequency=new.baseline_period.frequency if new.baseline_period else None,
        baseline_start=new.baseline_period.start if new.baseline_period else None,
        milestone=new.milestone,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        applies_below=new.applies_below,
        reason=new.reason,
        set_at=now,
        set_by=actor,
    )
    series.version += 1
    session.add(row)
    event_id = publish(
        session, Outbox, _told(row, series), subject=series.id, subject_version=series.version, actor=actor, now=now
    )
    await session.flush()
    cause = Cause(event_id, 0)
    if reaches_below:
        await mark_dirty(session, indicator_id=indicator.id, cause=cause)
    else:
        await mark_dirty(session, indicator_id=indicator.id, unit_id=unit.id, disaggregation={}, cause=cause)
    return row, series


async def direction_fits(session: AsyncSession, indicator_id: UUID, direction: Direction) -> None:
    """Refuse a direction that an indicator's targets contradict, as they stand now: a further version may replace one.

    The indicator is locked; set_target looks at its direction under the same lock.
    """
    for target, unit in await newest_targets(session, indicator_id):
        try:
            check_direction(_typed(target), direction)
        except TargetPullsTheWrongWay as error:
            raise DirectionContradictsTargets(
                f"The target of {unit} asks for the opposite of «{direction}»; set another target first."
            ) from error


def _typed(target: NewTarget | Target) -> TypedTarget:
    return typed(
        target.type,
        value=target.value,
        low=target.low,
        high=target.high,
        baseline=target.baseline,
        milestone=target.milestone,
    )


def _check(new: NewTarget, calendar: FiscalCalendar) -> None:
    check_span(new.valid_from, new.valid_to)
    if new.baseline_period is None:
        return
    if new.baseline is None:
        raise TargetIncomplete(
            "A baseline has a value and a period.", [FieldError("/baseline", "a decimal, since it has a period")]
        )
    try:
        calendar.checked(new.baseline_period)
    except NotAPeriod as error:
        frequency, years = new.baseline_period.frequency, f"{FIRST_YEAR} to {LAST_YEAR}"
        accepted = f"the first day of a {frequency} in the indicator's calendar, {years}"
        sent = new.baseline_period.start.isoformat()
        raise TargetIncomplete(str(error), [FieldError("/baseline_period/start", accepted, sent)]) from error


def _told(target: Target, series: Series) -> TargetSet:
    baseline_period = (
        PeriodKey(frequency=target.baseline_frequency, start=target.baseline_start)
        if target.baseline_frequency is not None and target.baseline_start is not None
        else None
    )
    return TargetSet(
        target_id=target.id,
        series_id=series.id,
        series=SeriesKey(
            indicator_id=series.indicator_id, unit_id=series.unit_id, disaggregation=series.disaggregation
        ),
        version=target.version,
        target=TargetValue(
            type=target.type,
            value=target.value,
            low=target.low,
            high=target.high,
            baseline=target.baseline,
            baseline_period=baseline_period,
            milestone=target.milestone,
        ),
        valid_from=target.valid_from,
        valid_to=target.valid_to,
        applies_below=target.applies_below,
        reason=target.reason,
    )
