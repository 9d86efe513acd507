"""Who signs in, over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from services.goals.people import operations, queries
from services.goals.people.domain import PrincipalKind, PrincipalState
from services.goals.people.tables import Principal
from services.goals.permissions import PrincipalBlocker, PrincipalReader, RoleAssigner
from services.goals.schema import LogHead
from shared.http.concurrency import set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.models import Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import tell_version

router = APIRouter(prefix="/v1", tags=["people"], route_class=IdempotentRoute)

# RFC 3986 has no space and OpenID Connect no subject beyond 255; both are compared letter by letter.
IssuerName = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{1,512}$"),
    Field(description="`iss` of its tokens, exactly", examples=["https://login.body.example/v2.0"]),
]
Subject = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{1,255}$"),
    Field(description="`sub` of its tokens (or the claim set for the issuer), or a client's id"),
]


class PrincipalIn(Strict):
    """Somebody or something that will sign in."""

    issuer: IssuerName
    subject: Subject
    kind: PrincipalKind = "person"


class PrincipalOut(BaseModel):
    """Somebody or something that signs in."""

    id: UUID
    issuer: str
    subject: str = Field(description="Who it is at its issuer; nothing else is known of it here")
    kind: PrincipalKind
    state: PrincipalState
    recorded_at: datetime = Field(description="Its first call, or when it was recorded before that")
    version: int


class PrincipalFilters(PageSettings):
    """Which principals are listed."""

    sort: str | None = sorted_by("recorded_at", "subject")
    issuer: IssuerName | None = None
    subject: Subject | None = None
    kind: PrincipalKind | None = None
    state: PrincipalState | None = None


@router.get("/principals", responses=READS)
async def list_principals(
    query: Annotated[PrincipalFilters, Query()],
    caller: PrincipalReader,
    follower: Follower,
    session: Reading,
    response: Response,
) -> Page[PrincipalOut]:
    """Those with a role among the caller's units; for a caller of the whole body all that have ever called."""
    rows, following = await queries.list_principals(
        session,
        query,
        caller.scope,
        kind=query.kind,
        state=query.state,
        issuer=query.issuer,
        subject=query.subject,
    )
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(principal) for principal in rows], next=following)


@router.post("/principals", status_code=201, responses=WRITES)
async def create_principal(
    body: PrincipalIn, _: RoleAssigner, session: Session, now: Now, response: Response
) -> PrincipalOut:
    """Record a principal before its first call, so that it can be given roles."""
    principal = await operations.register_principal(
        session, issuer=body.issuer, subject=body.subject, kind=body.kind, now=now
    )
    response.headers["Location"] = f"/v1/principals/{principal.id}"
    return _out(principal)


@router.get("/principals/{principal_id}", responses=READS)
async def get_principal(
    principal_id: UUID, caller: PrincipalReader, session: Reading, response: Response
) -> PrincipalOut:
    """One principal with a role among the caller's units; any for a caller of the whole body."""
    principal = await queries.principal_by_id(session, principal_id, caller.scope)
    set_etag(response, principal.version)
    return _out(principal)


@router.post("/principals/{principal_id}:block", responses=WRITES)
async def block_principal(
    principal_id: UUID, caller: PrincipalBlocker, session: Session, now: Now, response: Response
) -> PrincipalOut:
    """Close every door of every service to a principal, within a minute; blocking it twice changes nothing."""
    principal = await operations.block_principal(session, principal_id, caller=caller, now=now)
    tell_version(response, "goals", principal.id, principal.version)
    return _out(principal)


@router.post("/principals/{principal_id}:unblock", responses=WRITES)
async def unblock_principal(
    principal_id: UUID, caller: PrincipalBlocker, session: Session, now: Now, response: Response
) -> PrincipalOut:
    """Let a principal in again, with the roles it has."""
    principal = await operations.unblock_principal(session, principal_id, caller=caller, now=now)
    tell_version(response, "goals", principal.id, principal.version)
    return _out(principal)


def _out(principal: Principal) -> PrincipalOut:
    return PrincipalOut.model_validate(principal.model_dump())
