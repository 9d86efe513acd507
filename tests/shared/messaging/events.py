"""Events for tests, with every field filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from uuid import UUID

import asyncpg
from sqlmodel import select

from services.feedback import schema as feedback
from services.goals import schema as goals
from services.reporting import schema as reporting
from shared.contracts import CalendarChanged, UnitChanged
from shared.contracts.event import Event
from shared.database import SessionFactory, transaction
from shared.ids import new_id
from shared.messaging.log import LoggedEvent, events_after
from shared.messaging.outbox import publish
from shared.messaging.sequencer import sequence_once
from shared.messaging.tables import EventTables
from tests.fixtures.databases import Database

TABLES: Mapping[str, EventTables] = MappingProxyType(
    {each.EVENT_TABLES.schema: each.EVENT_TABLES for each in (goals, feedback, reporting)}
)
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """A service's database with what the event path needs to work on it."""

    database: Database
    tables: EventTables
    sessions: SessionFactory
    pool: asyncpg.Pool


def unit_changed(
    unit_id: UUID | None = None, *, code: str = "RF4", name: str = "Barking, Havering and Redbridge"
) -> UnitChanged:
    """A unit as it stands."""
    return UnitChanged(
        unit_id=unit_id or new_id(),
        code=code,
        name={"en": name},
        parent_id=None,
        level="organisation",
        valid_from=date(2016, 4, 1),
        valid_to=None,
    )


def calendar_changed(calendar_id: UUID | None = None) -> CalendarChanged:
    """A calendar as it stands."""
    return CalendarChanged(
        calendar_id=calendar_id or new_id(),
        code="main",
        name={"en": "Fiscal year"},
        start_month=4,
        label_rule="both_years",
        time_zone="Europe/London",
    )


async def tell(
    sessions: SessionFactory,
    tables: EventTables,
    *events: Event,
    subject: UUID | None = None,
    first_version: int = 1,
    now: datetime = NOW,
    actor: str | None = None,
) -> list[UUID]:
    """Commit events to the outbox in one transaction; each has a subject of its own unless one is given."""
    async with transaction(sessions) as session:
        return [
            publish(
                session,
                tables.outbox,
                event,
                subject=subject or new_id(),
                subject_version=first_version + number,
                now=now,
                actor=actor,
            )
            for number, event in enumerate(events)
        ]


async def sequence(owner: Service, *events: Event, subject: UUID | None = None, first_version: int = 1) -> None:
    """Events told and numbered."""
    await tell(owner.sessions, owner.tables, *events, subject=subject, first_version=first_version)
    while await sequence_once(owner.pool, schema=owner.tables.schema, now=NOW):
        pass


async def log_of(owner: Service, count: int) -> None:
    """Units told and numbered."""
    await sequence(owner, *(unit_changed(name=f"unit {number}") for number in range(count)))


async def whole_log(sessions: SessionFactory, tables: EventTables) -> list[LoggedEvent]:
    """Everything in a log, in order."""
    found: list[LoggedEvent] = []
    async with transaction(sessions) as session:
        while piece := await events_after(session, tables.event_log, found[-1].position if found else 0):
            found.extend(piece)
    return found


async def outbox_size(sessions: SessionFactory, tables: EventTables) -> int:
    """How many events have no position yet."""
    async with transaction(sessions) as session:
        return len((await session.exec(select(tables.outbox))).all())
