"""Which roles principals were given, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.goals.organisation.queries import unit_by_key
from services.goals.people import operations, queries
from services.goals.people.domain import NewRole, Role
from services.goals.people.tables import RoleAssignment
from services.goals.permissions import PrincipalReader, RoleAssigner
from services.goals.schema import LogHead
from shared.days import Day
from shared.http.concurrency import IfMatch, set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.models import Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import CHANGES, READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import tell_version
from shared.ids import Key

router = APIRouter(prefix="/v1", tags=["people"], route_class=IdempotentRoute)


class RoleAssignmentIn(Strict):
    """A role to be given."""

    principal: UUID
    role: Role
    unit: Key = Field(description="Id or code; the role holds for the units below as well")
    valid_from: Day | None = Field(default=None, description="Today, where the body is, if left out")
    valid_to: Day | None = Field(default=None, description="The last day, inclusive")

    def as_new(self) -> NewRole:
        """What the operation takes."""
        return NewRole(self.principal, self.role, self.unit, self.valid_from, self.valid_to)


class RoleAssignmentOut(BaseModel):
    """A role that a principal was given."""

    id: UUID
    principal: UUID
    role: Role
    unit: str
    unit_id: UUID
    valid_from: date
    valid_to: date | None = Field(description="The last day, inclusive")
    withdrawn: bool
    granted_by: UUID | None = Field(description="The principal that gave it; null for the command line")
    version: int


class RoleAssignmentFilters(PageSettings):
    """Which role assignments are listed."""

    sort: str | None = sorted_by("role", "unit", "valid_from")
    principal: UUID | None = None
    role: Role | None = None
    unit: Key | None = Field(default=None, description="Only those for this very unit")


@router.get("/role-assignments", responses=READS)
async def list_role_assignments(
    query: Annotated[RoleAssignmentFilters, Query()],
    caller: PrincipalReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[RoleAssignmentOut]:
    """The roles given for the caller's units, those withdrawn and ended as well, by unit."""
    unit_id = (await unit_by_key(session, query.unit, caller.scope)).id if query.unit else None
    rows, following = await queries.list_role_assignments(
        session, query, caller.scope, principal_id=query.principal, role=query.role, unit_id=unit_id
    )
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(*row) for row in rows], next=following)


@router.post("/role-assignments", status_code=201, responses=WRITES)
async def create_role_assignment(
    body: RoleAssignmentIn, caller: RoleAssigner, session: Session, now: Now, response: Response
) -> RoleAssignmentOut:
    """Give a principal a role for one of the caller's units and those below it."""
    assignment = await operations.assign_role(session, body.as_new(), caller=caller, now=now)
    response.headers["Location"] = f"/v1/role-assignments/{assignment.id}"
    tell_version(response, "goals", assignment.id, assignment.version)
    return _out(*await queries.role_assignment_by_id(session, assignment.id, caller.scope))


@router.get("/role-assignments/{role_assignment_id}", responses=READS)
async def get_role_assignment(
    role_assignment_id: UUID, caller: PrincipalReader, session: Reading, response: Response
) -> RoleAssignmentOut:
    """One role that was given for one of the caller's units."""
    row = await queries.role_assignment_by_id(session, role_assignment_id, caller.scope)
    set_etag(response, row[0].version)
    return _out(*row)


@router.post("/role-assignments/{role_assignment_id}:withdraw", responses=CHANGES)
async def withdraw_role_assignment(
    role_assignment_id: UUID, caller: RoleAssigner, seen: IfMatch, session: Session, now: Now, response: Response
) -> RoleAssignmentOut:
    """End a role at once; the other services follow within a minute."""
    assignment = await operations.withdraw_role(session, role_assignment_id, seen=seen, caller=caller, now=now)
    tell_version(response, "goals", assignment.id, assignment.version)
    return _out(*await queries.role_assignment_by_id(session, assignment.id, caller.scope))


def _out(assignment: RoleAssignment, unit: str) -> RoleAssignmentOut:
    return RoleAssignmentOut.model_validate(
        {**assignment.model_dump(), "principal": assignment.principal_id, "unit": unit}
    )
