"""Saying who is expected to report an indicator, and until when."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.indicators.domain import AssignmentChange, NewAssignment, Span
from services.goals.indicators.errors import AlreadyAssigned, UnknownIndicator
from services.goals.indicators.queries import (
    assignment_by_id,
    assignments_between,
    indicators_by_key,
    lock_indicators,
)
from services.goals.indicators.tables import Assignment
from services.goals.organisation.domain import check_span
from services.goals.organisation.errors import UnknownUnit
from services.goals.organisation.queries import units_by_key
from services.goals.recalculation.domain import Touched
from services.goals.recalculation.operations import mark_dirty, mark_dirty_with_causes
from services.goals.schema import Outbox
from shared.contracts import AssignmentChanged
from shared.errors import ServiceError
from shared.http.auth import UnitScope
from shared.http.concurrency import check_version
from shared.ids import new_id
from shared.messaging.outbox import Cause, publish


async def create_assignments(
    session: AsyncSession, new: Sequence[NewAssignment], *, scope: UnitScope, actor: str | None, now: datetime
) -> Sequence[Assignment | ServiceError]:
    """Have several of the caller's units report indicators; gives for each the assignment, or why there is none."""
    units = await units_by_key(session, {one.unit for one in new}, scope)
    indicators = await indicators_by_key(session, {one.indicator for one in new})
    indicator_ids = {indicator.id for indicator, _ in indicators.values()}
    await lock_indicators(session, indicator_ids)
    taken = await _spans(session, indicator_ids, {unit.id for unit in units.values()})
    outcomes: list[Assignment | ServiceError] = []
    marks: list[tuple[Touched, Cause]] = []
    for one in new:
        unit, indicator = units.get(one.unit), indicators.get(one.indicator)
        if unit is None:
            outcomes.append(UnknownUnit(f"There is no unit «{one.unit}» among yours."))
            continue
        if indicator is None:
            outcomes.append(UnknownIndicator(f"There is no indicator «{one.indicator}»."))
            continue
        assignment = Assignment(
            id=new_id(),
            indicator_id=indicator[0].id,
            unit_id=unit.id,
            valid_from=one.span.valid_from,
            valid_to=one.span.valid_to,
            version=1,
        )
        already = taken[assignment.indicator_id, assignment.unit_id]
        try:
            _check(one.span, already)
        except ServiceError as error:
            outcomes.append(error)
            continue
        already.append(one.span)
        session.add(assignment)
        event_id = _tell(session, assignment, actor=actor, now=now)
        marks.append((Touched(assignment.indicator_id, assignment.unit_id), Cause(event_id, 0)))
        outcomes.append(assignment)
    await session.flush()
    await mark_dirty_with_causes(session, marks)
    return outcomes


async def create_assignment(
    session: AsyncSession, new: NewAssignment, *, scope: UnitScope, actor: str | None, now: datetime
) -> Assignment:
    """Have one of the caller's units report an indicator."""
    (created,) = await create_assignments(session, [new], scope=scope, actor=actor, now=now)
    if isinstance(created, ServiceError):
        raise created
    return created


async def change_assignment(
    session: AsyncSession,
    assignment_id: UUID,
    change: AssignmentChange,
    *,
    seen: int,
    scope: UnitScope,
    actor: str | None,
    now: datetime,
) -> Assignment:
    """Set or lift the last day on which the unit is expected to report."""
    assignment, _, _ = await assignment_by_id(session, assignment_id, scope)
    await lock_indicators(session, [assignment.indicator_id])
    # Read again under the lock: another end may have been set while this waited.
    all_of_it = await assignments_between(session, [assignment.indicator_id], [assignment.unit_id])
    check_version(seen, assignment.version)
    span = Span(assignment.valid_from, change.get("valid_to", assignment.valid_to))
    _check(span, [Span(one.valid_from, one.valid_to) for one in all_of_it if one.id != assignment.id])
    assignment.valid_to = span.valid_to
    assignment.version += 1
    event_id = _tell(session, assignment, actor=actor, now=now)
    await session.flush()
    await mark_dirty(
        session, indicator_id=assignment.indicator_id, unit_id=assignment.unit_id, cause=Cause(event_id, 0)
    )
    return assignment


async def _spans(
    session: AsyncSession, indicator_ids: set[UUID], unit_ids: set[UUID]
) -> defaultdict[tuple[UUID, UUID], list[Span]]:
    spans: defaultdict[tuple[UUID, UUID], list[Span]] = defaultdict(list)
    for one in await assignments_between(session, indicator_ids, unit_ids):
        spans[one.indicator_id, one.unit_id].append(Span(one.valid_from, one.valid_to))
    return spans


def _check(span: Span, others: Sequence[Span]) -> None:
    check_span(span.valid_from, span.valid_to)
    for other in others:
        if span.overlaps(other):
            until = other.valid_to.isoformat() if other.valid_to else "without end"
            raise AlreadyAssigned(f"The unit already reports this from {other.valid_from.isoformat()}, {until}.")


def _tell(session: AsyncSession, assignment: Assignment, *, actor: str | None, now: datetime) -> UUID:
    changed = AssignmentChanged(
        assignment_id=assignment.id,
        indicator_id=assignment.indicator_id,
        unit_id=assignment.unit_id,
        valid_from=assignment.valid_from,
        valid_to=assignment.valid_to,
    )
    return publish(
        session, Outbox, changed, subject=assignment.id, subject_version=assignment.version, actor=actor, now=now
    )
