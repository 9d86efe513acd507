"""The body and its units over HTTP."""

from datetime import date
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.goals.organisation import operations, queries
from services.goals.organisation.domain import NewUnit, UnitChange
from services.goals.organisation.tables import Unit
from services.goals.permissions import UnitReader, UnitWriter
from services.goals.schema import LogHead
from shared.days import Day
from shared.http.bulk import BulkAnswer, ItemResult
from shared.http.concurrency import IfMatch, set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.items import MOST_ITEMS, EachAlone, items_response, read_items
from shared.http.models import ABSENT, Change, Strict
from shared.http.pages import Follower, Page, PageSettings, say_where_to_follow, sorted_by
from shared.http.problems import CHANGES, READS, WRITES
from shared.http.sessions import Now, Reading, Session
from shared.http.written import tell_version, written
from shared.ids import Code, Key
from shared.texts import Text, TextPatch

router = APIRouter(prefix="/v1", tags=["organisation"], route_class=IdempotentRoute)

Level = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"),
    Field(description="What kind of unit it is, in the body's own words", examples=["region"]),
]


class BodyOut(BaseModel):
    """The body of this deployment."""

    id: UUID
    slug: str
    name: Text
    default_language: str = Field(description="The language that every text has")
    time_zone: str = Field(description="The zone that decides the day of an instant")
    root_unit: str = Field(description="Code of the unit above all others")
    root_unit_id: UUID
    version: int


class UnitIn(Strict):
    """A unit to be added."""

    code: Code
    name: Text
    parent: Key = Field(description="Id or code of the unit above")
    level: Level
    valid_from: Day | None = Field(default=None, description="The parent's first day, if left out")
    valid_to: Day | None = Field(default=None, description="The last day, inclusive")

    def as_new(self) -> NewUnit:
        """What the operation takes."""
        return NewUnit(self.code, self.name, self.parent, self.level, self.valid_from, self.valid_to)


class UnitBatch(Strict):
    """Units to be added; an item may stand below one further up in the list."""

    items: list[Annotated[UnitIn, EachAlone]] = Field(min_length=1, max_length=MOST_ITEMS)


class UnitPatch(Change):
    """A change of a unit; its code never changes."""

    name: TextPatch = ABSENT
    parent: Key = ABSENT
    level: Level = ABSENT
    valid_from: Day = ABSENT
    valid_to: Day | None = None


class UnitOut(BaseModel):
    """An organisation unit."""

    id: UUID
    code: str
    name: Text
    parent: str | None = Field(description="Code of the unit above; null for the root")
    parent_id: UUID | None
    level: str
    valid_from: date
    valid_to: date | None = Field(description="The last day, inclusive")
    version: int


class UnitFilters(PageSettings):
    """Which units are listed."""

    sort: str | None = sorted_by("code", "level", "valid_from")
    parent: Key | None = Field(default=None, description="Only those directly below this unit")
    level: Level | None = None


@router.get("/body", responses=READS)
async def get_body(_: UnitReader, session: Reading) -> BodyOut:
    """The body of this deployment, its default language and its time zone."""
    body = await queries.the_body(session)
    root_unit = await queries.code_of(session, body.root_unit_id)
    return BodyOut.model_validate({**body.model_dump(), "root_unit": root_unit})


@router.get("/units", responses=READS)
async def list_units(
    query: Annotated[UnitFilters, Query()], caller: UnitReader, follower: Follower, session: Reading, response: Response
) -> Page[UnitOut]:
    """The units of the caller, by code."""
    parent_id = (await queries.unit_by_key(session, query.parent, caller.scope)).id if query.parent else None
    rows, following = await queries.list_units(session, query, caller.scope, parent_id=parent_id, level=query.level)
    await say_where_to_follow(response, session, LogHead, follower)
    return Page(items=[_out(unit, parent) for unit, parent in rows], next=following)


@router.post("/units", status_code=201, responses=WRITES)
async def create_unit(body: UnitIn, caller: UnitWriter, session: Session, now: Now, response: Response) -> UnitOut:
    """Add a unit below one of the caller's."""
    unit = await operations.create_unit(session, body.as_new(), scope=caller.scope, actor=caller.actor, now=now)
    response.headers["Location"] = f"/v1/units/{unit.code}"
    tell_version(response, "goals", unit.id, unit.version)
    return _out(unit, await queries.code_of(session, unit.parent_id))


@router.post("/units:batch", status_code=207, response_model=BulkAnswer, responses=WRITES)
async def create_units(body: UnitBatch, caller: UnitWriter, session: Session, now: Now, request: Request) -> Response:
    """Add up to a thousand units; each item has the status it would have had alone."""
    readable, refused = read_items(request, body.items)
    outcomes = await operations.create_units(
        session, [item.as_new() for item in readable.values()], scope=caller.scope, actor=caller.actor, now=now
    )
    return items_response(readable, refused, outcomes, accepted=_result, name=lambda item: item.code)


@router.get("/units/{key}", responses=READS)
async def get_unit(key: Key, caller: UnitReader, session: Reading, response: Response) -> UnitOut:
    """One unit of the caller's, by id or code."""
    unit = await queries.unit_by_key(session, key, caller.scope)
    set_etag(response, unit.version)
    return _out(unit, await queries.code_of(session, unit.parent_id))


@router.patch("/units/{key}", responses=CHANGES)
async def change_unit(
    key: Key, body: UnitPatch, caller: UnitWriter, seen: IfMatch, session: Session, now: Now, response: Response
) -> UnitOut:
    """Rename, move or end a unit."""
    unit = await operations.change_unit(
        session,
        key,
        cast("UnitChange", body.given()),
        seen=seen,
        scope=caller.scope,
        actor=caller.actor,
        now=now,
    )
    tell_version(response, "goals", unit.id, unit.version)
    return _out(unit, await queries.code_of(session, unit.parent_id))


def _result(index: int, _: UnitIn, outcome: Unit) -> ItemResult:
    return ItemResult(
        index=index,
        id=outcome.code,
        status=201,
        written=written("goals", outcome.id, outcome.version),
        result={"id": str(outcome.id)},
    )


def _out(unit: Unit, parent: str | None) -> UnitOut:
    return UnitOut(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        parent=parent,
        parent_id=unit.parent_id,
        level=unit.level,
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
        version=unit.version,
    )
