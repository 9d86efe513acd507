"""A tiny service with one table, made by the same factory as the three real ones, to try every rule on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, FastAPI, Form, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, SecretStr
from pydantic import Field as Described
from sqlalchemy import BigInteger, MetaData, Numeric, text
from sqlalchemy import Text as SqlText
from sqlmodel import Field, SQLModel, col, select

from shared.database import SessionFactory
from shared.errors import NotFound, ServiceError
from shared.http.app import create_service
from shared.http.auth import Caller, requires
from shared.http.bulk import ItemResult, bulk_response, refused_item
from shared.http.concurrency import IfMatch, check_version, set_etag
from shared.http.idempotency import IdempotentRoute
from shared.http.middleware import public_cache
from shared.http.models import ABSENT, Change, Strict
from shared.http.pages import Follower, Page, PageSettings, page, say_where_to_follow, sorted_by
from shared.http.sessions import Reading, Session
from shared.http.tables import IdempotencyColumns
from shared.http.tokens import Verifier
from shared.http.validation import PRIVATE
from shared.http.written import After, Mark, caught_up, set_written, written
from shared.ids import Code, new_id
from shared.messaging.tables import LogHeadColumns
from shared.numbers import DecimalText
from shared.settings import Issuer, ServiceSettings

SCHEMA = "tiny"
COLLECTOR = "https://www.example.org"
TABLES = [
    "create schema tiny",
    # Two with one code are found out only at the commit, as some constraints of real tables are.
    """create table tiny.thing (
        id uuid primary key, code text not null unique deferrable initially deferred, size numeric,
        version bigint not null)""",
    "create table tiny.log_head (log_id uuid primary key, position bigint, hash bytea, recorded_at timestamptz)",
]
ROLES = {
    "writer": frozenset({"things:read", "things:write"}),
    "reader": frozenset({"things:read"}),
    "follower": frozenset({"things:read", "events:follow"}),
}
Writer = Annotated[Caller, requires("things:write")]
Reader = Annotated[Caller, requires("things:read")]


class TinyTable(SQLModel):
    """Parent of the tables of the tiny service."""

    metadata: ClassVar[MetaData] = MetaData(schema=SCHEMA)


class Thing(TinyTable, table=True):
    """What the tiny service keeps."""

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_type=SqlText)
    size: Decimal | None = Field(default=None, sa_type=Numeric)
    version: int = Field(default=1, sa_type=BigInteger)


class Idempotency(IdempotencyColumns, TinyTable, table=True):
    """The answers it remembers."""


class LogHead(LogHeadColumns, TinyTable, table=True):
    """How far its log is."""


class NewThing(Strict):
    """A thing to make."""

    code: Code
    size: DecimalText | None = None


class NewThings(Strict):
    """Several at once."""

    items: list[NewThing] = Described(max_length=1000)


class ThingChange(Change):
    """What may change about a thing: its code, never to nothing; its size, also to nothing."""

    code: Code = ABSENT
    size: DecimalText | None = None


class ThingAnswer(BaseModel):
    """A thing as it is told."""

    id: UUID
    code: str
    size: DecimalText | None
    version: int


class Answers(Strict):
    """What a person answers."""

    id: UUID
    mood: Annotated[str, Described(pattern="^(good|bad)$")]


class Taken(ServiceError):
    """The code is taken."""

    kind = "conflict"
    code = "taken"
    title = "Taken"


making = APIRouter(route_class=IdempotentRoute)
others = APIRouter()


def answer_of(thing: Thing) -> ThingAnswer:
    """A thing as it is told."""
    return ThingAnswer(id=thing.id, code=thing.code, size=thing.size, version=thing.version)


@making.post("/v1/things", status_code=201)
async def make_thing(
    new: NewThing, caller: Writer, session: Session, response: Response, request: Request
) -> ThingAnswer:
    """Make a thing."""
    request.app.state.made.append((new.code, caller.actor))
    request.app.state.begun.set()
    await request.app.state.gate.wait()
    thing = Thing(id=new_id(), code=new.code, size=new.size)
    session.add(thing)
    await session.flush()
    set_etag(response, thing.version)
    set_written(response, "tiny", thing.id, thing.version)
    response.headers["Location"] = f"/v1/things/{thing.code}"
    return answer_of(thing)


@making.post("/v1/things:batch", status_code=207)
async def make_things(new: NewThings, caller: Writer, session: Session) -> Response:
    """Make several things; one with the code «taken» is refused."""
    results = []
    for index, each in enumerate(new.items):
        if each.code == "taken":
            results.append(refused_item(index, Taken(f"«{each.code}» is taken."), id=each.code))
            continue
        thing = Thing(id=new_id(), code=each.code, size=each.size)
        session.add(thing)
        mark = written("tiny", thing.id, thing.version)
        results.append(ItemResult(index=index, id=each.code, status=201, written=mark))
    return bulk_response(results)


class ThingFilters(PageSettings):
    """How things are listed."""

    sort: str | None = sorted_by("code", "version")


@others.get("/v1/things")
async def list_things(
    query: Annotated[ThingFilters, Query()], caller: Reader, follower: Follower, session: Reading, response: Response
) -> Page[ThingAnswer]:
    """List the things."""
    await say_where_to_follow(response, session, LogHead, follower)
    rows, following = await page(
        session,
        select(Thing),
        query,
        sortable={"code": col(Thing.code), "version": col(Thing.version)},
        default_sort=[col(Thing.id)],
    )
    return Page(items=[answer_of(row) for row in rows], next=following)


@others.patch("/v1/things/{code}")
async def change_thing(
    code: str, change: ThingChange, caller: Writer, seen: IfMatch, session: Session, response: Response
) -> ThingAnswer:
    """Change a thing."""
    thing = (await session.exec(select(Thing).where(Thing.code == code).with_for_update())).first()
    if thing is None:
        raise NotFound("There is no such thing.")
    check_version(seen, thing.version)
    for name, value in change.given().items():
        setattr(thing, name, value)
    thing.version += 1
    set_etag(response, thing.version)
    return answer_of(thing)


@others.get("/v1/late")
async def late(after: After, request: Request) -> str:
    """Answer once the write has arrived."""

    async def applied(mark: Mark) -> bool:
        request.app.state.asked += 1
        return bool(request.app.state.asked >= mark.version)

    await caught_up(after, applied)
    return "here"


@others.post("/v1/answers", openapi_extra=PRIVATE)
async def answer(answers: Answers) -> str:
    """Take a person's answers."""
    return "thanks"


@others.post("/form")
async def form(mood: Annotated[str, Form(max_length=5)]) -> str:
    """Take a form."""
    return mood


@others.get("/v1/open")
async def open_to_all(response: Response) -> str:
    """What anybody may read."""
    public_cache(response, 60)
    return "open"


@others.get("/v1/boom")
async def boom() -> str:
    """Fail as nobody foresaw."""
    raise RuntimeError("the inner secret")


@others.get("/v1/broken-stream")
async def broken_stream() -> StreamingResponse:
    """Fail when the answer has begun."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("half way")

    return StreamingResponse(chunks())


@others.get("/v1/busy")
async def busy(session: Session) -> str:
    """Wait longer for a lock than anybody should."""
    await session.execute(text("set local lock_timeout = '50ms'"))
    await session.execute(text("lock table tiny.thing in access exclusive mode"))
    return "free"


def create_tiny(url: str, issuer: Issuer, keys: object, **settings: Any) -> FastAPI:
    """The tiny service on a database, trusting one issuer."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.events.append("started")
        yield
        app.state.events.append("stopped")

    app = create_service(
        name="tiny",
        title="Tiny",
        description="Keeps things.",
        settings=ServiceSettings(
            database_url=SecretStr(url), env="local", issuers=[issuer], collector_origins=[COLLECTOR], **settings
        ),
        schema=SCHEMA,
        roles=ROLES,
        queues=[],
        routers=[making, others],
        lifespan=lifespan,
    )
    app.state.verifier = Verifier([issuer], keys={issuer.issuer: keys})
    app.state.made, app.state.events, app.state.asked = [], [], 0
    app.state.begun, app.state.gate = asyncio.Event(), asyncio.Event()
    app.state.gate.set()
    return app


def sessions(app: FastAPI) -> SessionFactory:
    """Sessions on the same database, to look behind the service's back."""
    factory: SessionFactory = app.state.sessions
    return factory
