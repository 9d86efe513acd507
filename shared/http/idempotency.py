"""Idempotency-Key: the same request twice does its work once and gets the first answer again.

The route class claims (principal, route, key) under an advisory lock of the request's own transaction, lets the
operation work, and puts the answer into the same transaction, before it commits. So there is no moment at which the
work is kept and the answer is not, and a request that fails leaves its key free.

The first answer comes again only to whoever could still make the request: units move, roles end. So a request whose
answer is known is tried anew and undone, and the answer withheld where the caller would be refused by now. Whatever
else would come of it, such as a conflict with what was done the first time, is no reason.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import Column
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from shared.clock import current_time
from shared.errors import Conflict, Forbidden, NotFound, RuleBroken, ServiceError, Unavailable
from shared.http.auth import Caller, Permitted
from shared.http.sessions import open_session
from shared.http.tables import IdempotencyColumns

KEPT = timedelta(days=7)
_REPLAYED = ("content-type", "location", "etag", "steward-written", "content-language")
_BULK, _REFUSED, _NOT_YOURS = 207, 400, (403, 404)


class InFlight(Conflict):
    """A request with this Idempotency-Key is being worked on; ask again for its answer."""

    code = "in_flight"
    title = "The first request is not finished"
    retry = "same"
    retry_after = 1


class KeyReused(RuleBroken):
    """This Idempotency-Key came before with another body; each new request needs a key of its own."""

    code = "idempotency_key_reused"
    title = "The key was used for something else"


class AnswerWithheld(Forbidden):
    """The request was done once, but is for units or things that are no longer the caller's: so is its answer."""

    code = "answer_withheld"
    title = "The first answer is no longer for you"


async def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Made by the client, such as a UUID, one per thing to be done. Sent again within 7 days with "
            "the same body, the request is not done twice: the first answer comes again.",
        ),
    ] = None,
) -> None:
    """Describes and checks the header; the route class acts on it."""


@dataclass(slots=True)
class _Attempt:
    """One request with a key, on its way through its route."""

    request: Request
    key: str
    session: AsyncSession | None = None
    principal: UUID | None = None
    digest: bytes = b""

    @property
    def route(self) -> str:
        return f"{self.request.method} {self.request.url.path}"


_attempt: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


class IdempotentRoute(APIRoute):
    """`APIRouter(route_class=IdempotentRoute)`: every POST of the router takes an Idempotency-Key.

    Each of its routes has a `session: Session` and a `caller` with a permission in its own signature: the claim comes
    after the permission, so that nobody is shown the answer to what they may no longer do.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        methods = options.get("methods")
        self.idempotent = set(methods or ()) == {"POST"}
        if self.idempotent:
            endpoint = _claiming(endpoint)
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(idempotency_key)]
        super().__init__(path, endpoint, **options)
        if self.idempotent and not _has_both(self.dependant):
            raise TypeError(f"POST {path} takes an Idempotency-Key, so it needs a session: Session and a caller.")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that keeps the answer while the session of the request is still open."""
        handle = super().get_route_handler()
        if not self.idempotent:
            return handle

        async def handle_once(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if key is None:
                return await handle(request)
            attempt = _Attempt(request, key)
            token = _attempt.set(attempt)
            try:
                response = await handle(request)
            finally:
                _attempt.reset(token)
            # FastAPI leaves the `Session` scope, and so commits, only after this returns.
            if attempt.session is not None:
                await _keep(attempt, response)
            return response

        return handle_once


def _has_both(dependant: Dependant) -> bool:
    calls = [inner.call for inner in dependant.dependencies]
    return open_session in calls and any(isinstance(call, Permitted) for call in calls)


def _claiming(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, called only if its answer is not known yet; by then everything about the request is checked."""

    @functools.wraps(endpoint)
    async def claimed(**values: Any) -> Any:
        attempt = _attempt.get()
        if attempt is not None:
            session = next(value for value in values.values() if isinstance(value, AsyncSession))
            caller = next(value for value in values.values() if isinstance(value, Caller))
            earlier = await _claim(attempt, session, caller.reference)
            if earlier is not None:
                await _check_still_allowed(session, called(values), earlier)
                return earlier
        return await called(values)

    async def called(values: dict[str, Any]) -> Any:
        answer = endpoint(**values)
        return await answer if inspect.isawaitable(answer) else answer

    return claimed


async def _check_still_allowed(session: AsyncSession, again: Coroutine[Any, Any, Any], earlier: Response) -> None:
    """Withhold an answer from a caller who would be refused by now, for all of it or for an item that was accepted."""
    try:
        async with session.begin_nested() as trial:
            answer = await again
            await trial.rollback()
    except (Forbidden, NotFound) as error:
        raise AnswerWithheld(
            f"It was done before, and stays so; sent now it would be refused: {error.detail}"
        ) from error
    except Unavailable:
        raise
    except (ServiceError, IntegrityError):
        return
    if earlier.status_code == _BULK and (lost := _lost(_statuses(earlier), _statuses(answer))):
        raise AnswerWithheld(f"It was done before, and stays so; sent now these items would be refused: {lost}.")


def _statuses(answer: Response) -> list[int]:
    return [item["status"] for item in json.loads(bytes(answer.body))["items"]]


def _lost(before: Sequence[int], now: Sequence[int]) -> str:
    """The places of the items that were accepted and are no longer the caller's."""
    pairs = enumerate(zip(before, now, strict=True))
    return ", ".join(str(place) for place, (then, later) in pairs if then < _REFUSED and later in _NOT_YOURS)


async def _claim(attempt: _Attempt, session: AsyncSession, principal: UUID) -> Response | None:
    """Take the key for this transaction, and give the earlier answer if there is one."""
    attempt.principal = principal
    attempt.digest = await _digest(attempt.request)
    lock = _lock_number(attempt.request.app.state.schema, str(principal), attempt.route, attempt.key)
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(literal(lock, BigInteger)))):
        raise InFlight("A request with this Idempotency-Key is being worked on; ask again in a second.")
    table = _answers(attempt.request.app.state.schema)
    mine = (table.c.principal == principal) & (table.c.route == attempt.route) & (table.c.key == attempt.key)
    # Under READ COMMITTED this sees what the last holder of the lock has committed.
    row = (await session.execute(select(table).where(mine))).mappings().first()
    if row is not None and row["expires_at"] > current_time():
        if row["request_digest"] != attempt.digest:
            raise KeyReused("Make a new key for each thing to be done; this one came before with another body.")
        return Response(row["body"], row["status"], headers={**row["headers"], "Idempotency-Replayed": "true"})
    if row is not None:
        await session.execute(delete_from(table).where(mine))
    attempt.session = session
    return None


async def _keep(attempt: _Attempt, response: Response) -> None:
    assert attempt.session is not None  # noqa: S101 - the caller has just looked
    await attempt.session.execute(
        insert(_answers(attempt.request.app.state.schema)).values(
            principal=attempt.principal,
            route=attempt.route,
            key=attempt.key,
            request_digest=attempt.digest,
            status=response.status_code,
            headers={name: value for name, value in response.headers.items() if name in _REPLAYED},
            body=bytes(response.body),
            expires_at=current_time() + KEPT,
        )
    )


async def _digest(request: Request) -> bytes:
    """What makes two requests the same: their query and what their JSON says, however it is spelt."""
    body = await request.body()
    said = json.dumps(await request.json(), sort_keys=True).encode() if body else b""
    return hashlib.sha256(request.url.query.encode() + b"\n" + said).digest()


def _lock_number(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], signed=True)


@functools.lru_cache(maxsize=8)
def _answers(schema: str) -> Table:
    return Table(
        "idempotency",
        MetaData(schema=schema),
        Column("principal", Uuid),
        Column("route", Text),
        Column("key", Text),
        Column("request_digest", LargeBinary),
        Column("status", Integer),
        Column("headers", JSONB),
        Column("body", LargeBinary),
        Column("expires_at", DateTime(timezone=True)),
    )


async def forget_old_answers(session: AsyncSession, table: type[IdempotencyColumns], now: datetime) -> int:
    """Delete the answers that are no longer kept, and say how many those were."""
    done = await session.exec(delete_from(table).where(col(table.expires_at) <= now))
    return done.rowcount
