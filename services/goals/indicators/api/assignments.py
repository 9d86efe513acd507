"""Who is expected to report what, over HTTP."""

from datetime import date
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.goals.indicators import queries
from services.goals.indicators.domain import AssignmentChange, NewAssignment, Span
from services.goals.indicators.operations import assignments as operations
from services.goals.indicators.tables import Assignment
from services.goals.organisation.queries import unit_by_key
from services.goals.permissions import AssignmentWriter, IndicatorReader
from services.goals.schema import LogHead
from shared.days import Day
from shared.http.bulk import BulkAnswer, ItemResult
from shared.http.concurrency import IfMatch, set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.items import MOST_ITEMS, EachAlone, items_response, read_items
from shared.http.models import Change, Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import CHANGES, READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import tell_version, written
from shared.ids import Key

router = APIRouter(prefix="/v1", tags=["assignments"], route_class=IdempotentRoute)


class AssignmentIn(Strict):
    """A unit that shall report an indicator."""

    indicator: Key = Field(description="Id or code")
    unit: Key = Field(description="Id or code")
    valid_from: Day
    valid_to: Day | None = Field(default=None, description="The last day, inclusive")

    def as_new(self) -> NewAssignment:
        """What the operation takes."""
        return NewAssignment(self.indicator, self.unit, Span(self.valid_from, self.valid_to))


class AssignmentItem(AssignmentIn):
    """The same as an item of a batch."""

    id: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="Your own name for the item; it comes back with the result"
    )


class AssignmentBatch(Strict):
    """Units that shall report indicators."""

    items: list[Annotated[AssignmentItem, EachAlone]] = Field(min_length=1, max_length=MOST_ITEMS)


class AssignmentPatch(Change):
    """A change of an assignment: its end."""

    valid_to: Day | None = Field(default=None, description="The last day, inclusive; null for no end")


class AssignmentOut(BaseModel):
    """A unit that is expected to report an indicator."""

    id: UUID
    indicator: str
    indicator_id: UUID
    unit: str
    unit_id: UUID
    valid_from: date
    valid_to: date | None
    version: int


class AssignmentFilters(PageSettings):
    """Which assignments are listed."""

    sort: str | None = sorted_by("indicator", "unit", "valid_from")
    indicator: Key | None = None
    unit: Key | None = None


@router.get("/assignments", responses=READS)
async def list_assignments(
    query: Annotated[AssignmentFilters, Query()],
    caller: IndicatorReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[AssignmentOut]:
    """Who of the caller's units is expected to report what."""
    indicator_id = (await queries.indicator_by_key(session, query.indicator)).id if query.indicator else None
    unit_id = (await unit_by_key(session, query.unit, caller.scope)).id if query.unit else None
    rows, following = await queries.list_assignments(
        session, query, caller.scope, indicator_id=indicator_id, unit_id=unit_id
    )
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(*row) for row in rows], next=following)


@router.post("/assignments", status_code=201, responses=WRITES)
async def create_assignment(
    body: AssignmentIn, caller: AssignmentWriter, session: Session, now: Now, response: Response
) -> AssignmentOut:
    """Have a unit report an indicator from a day on."""
    assignment = await operations.create_assignment(
        session, body.as_new(), scope=caller.scope, actor=caller.actor, now=now
    )
    response.headers["Location"] = f"/v1/assignments/{assignment.id}"
    tell_version(response, "goals", assignment.id, assignment.version)
    return _out(*await queries.assignment_by_id(session, assignment.id, caller.scope))


@router.post("/assignments:batch", status_code=207, response_model=BulkAnswer, responses=WRITES)
async def create_assignments(
    body: AssignmentBatch, caller: AssignmentWriter, session: Session, now: Now, request: Request
) -> Response:
    """Have up to a thousand units report; each item has the status it would have had alone."""
    readable, refused = read_items(request, body.items)
    outcomes = await operations.create_assignments(
        session, [item.as_new() for item in readable.values()], scope=caller.scope, actor=caller.actor, now=now
    )
    return items_response(readable, refused, outcomes, accepted=_result)


@router.get("/assignments/{assignment_id}", responses=READS)
async def get_assignment(
    assignment_id: UUID, caller: IndicatorReader, session: Reading, response: Response
) -> AssignmentOut:
    """One assignment of the caller's units."""
    row = await queries.assignment_by_id(session, assignment_id, caller.scope)
    set_etag(response, row[0].version)
    return _out(*row)


@router.patch("/assignments/{assignment_id}", responses=CHANGES)
async def change_assignment(
    assignment_id: UUID,
    body: AssignmentPatch,
    caller: AssignmentWriter,
    seen: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> AssignmentOut:
    """Set the last day on which the unit is expected to report."""
    assignment = await operations.change_assignment(
        session,
        assignment_id,
        cast("AssignmentChange", body.given()),
        seen=seen,
        scope=caller.scope,
        actor=caller.actor,
        now=now,
    )
    tell_version(response, "goals", assignment.id, assignment.version)
    return _out(*await queries.assignment_by_id(session, assignment.id, caller.scope))


def _result(index: int, item: AssignmentItem, outcome: Assignment) -> ItemResult:
    return ItemResult(
        index=index,
        id=item.id or str(outcome.id),
        status=201,
        written=written("goals", outcome.id, outcome.version),
        result={"id": str(outcome.id)},
    )


def _out(assignment: Assignment, indicator: str, unit: str) -> AssignmentOut:
    return AssignmentOut.model_validate({**assignment.model_dump(), "indicator": indicator, "unit": unit})
