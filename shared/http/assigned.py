"""What a service knows of its callers beside their tokens, read at most every few seconds for each."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, cast, func, or_, true
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import SessionFactory
from shared.http.auth import Assigned, Grant, Identity

Assigning = Callable[[SessionFactory, Identity], Awaitable[Assigned]]
"""Reads what a service holds about a principal; each service gives its own."""

FRESH = 5.0
"""Seconds for which an answer is good: a block takes effect within 60 s, the way of its event included."""
_MOST = 10_000


async def nothing_assigned(_: SessionFactory, __: Identity) -> Assigned:
    """For a service that gives no roles of its own: what the token says is all."""
    return Assigned()


class KnownCallers:
    """The newest answers about principals, in memory; past the bound the longest known are asked for again."""

    def __init__(self, sessions: SessionFactory, assigning: Assigning, *, fresh: float = FRESH) -> None:
        self._sessions = sessions
        self._assigning = assigning
        self._fresh = fresh
        self._known: dict[UUID, tuple[float, Assigned]] = {}

    async def of(self, identity: Identity) -> Assigned:
        """What is assigned to an identity, as it was at most `fresh` seconds ago."""
        now = time.monotonic()
        known = self._known.get(identity.reference)
        if known is not None and now - known[0] < self._fresh:
            return known[1]
        assigned = await self._assigning(self._sessions, identity)
        self._known.pop(identity.reference, None)
        self._known[identity.reference] = (now, assigned)
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return assigned


@dataclass(frozen=True, slots=True)
class People:
    """The tables in which a service keeps what decides about a caller: its own, or its copies of those of goals."""

    principal: Any
    role_assignment: Any
    unit: Any
    body: Any


async def assigned_to(session: AsyncSession, people: People, reference: UUID, now: datetime) -> Assigned:
    """What a principal is and holds on this day of the body, each role for its unit as the tree is now."""
    principal, held, unit, body = people.principal, people.role_assignment, people.unit, people.body
    if (await session.exec(select(principal.state).where(principal.id == reference))).first() == "blocked":
        return Assigned(blocked=True)
    today = cast(func.timezone(body.time_zone, now), Date)
    rows = await session.exec(
        select(held.role, unit.code, unit.id == body.root_unit_id)
        .join(unit, unit.id == held.unit_id)
        .join(body, true())
        .where(
            held.principal_id == reference,
            ~held.withdrawn,
            held.valid_from <= today,
            or_(held.valid_to.is_(None), held.valid_to >= today),
        )
        .order_by(held.role, unit.code)
    )
    return Assigned(grants=tuple(Grant(role, None if is_root else code) for role, code, is_root in rows))
