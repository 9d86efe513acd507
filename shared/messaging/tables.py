"""The tables of the event path, as columns that each service puts into its own schema.

The migrations create them (shared.messaging.ddl); these classes are for reading and for adding rows.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Identity, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from shared.messaging.standing import StandingColumns

_Instant: Any = DateTime(timezone=True)
_Texts: Any = ARRAY(Text)


class OutboxColumns(SQLModel):
    """An event that is written but has no position yet."""

    __tablename__: ClassVar[str] = "outbox"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel declares it as a directive

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=[Identity(always=True)], primary_key=True)
    event_id: UUID
    type: str = Field(sa_type=Text)
    subject: UUID
    subject_version: int = Field(sa_type=BigInteger)
    time: datetime = Field(sa_type=_Instant)
    data: str = Field(sa_type=Text)
    """The exact bytes that will be published, as JSON text."""
    actor: str | None = Field(default=None, sa_type=Text)
    causation_id: UUID | None = None
    causation_depth: int = Field(default=0, sa_type=Integer)
    traceparent: str | None = Field(default=None, sa_type=Text)


class LogHeadColumns(SQLModel):
    """The one row that says how far the log is; locking it is the sequencer's election and fence."""

    __tablename__: ClassVar[str] = "log_head"  # type: ignore[assignment, misc, unused-ignore]  # as above

    log_id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = Field(sa_type=_Instant)


class EventLogColumns(SQLModel):
    """One event at its place in the log."""

    __tablename__: ClassVar[str] = "event_log"  # type: ignore[assignment, misc, unused-ignore]  # as above

    position: int = Field(sa_type=BigInteger, primary_key=True)
    log_id: UUID
    id: UUID = Field(index=True)
    type: str = Field(sa_type=Text)
    subject: UUID
    subject_version: int = Field(sa_type=BigInteger)
    time: datetime = Field(sa_type=_Instant)
    recorded_at: datetime = Field(sa_type=_Instant)
    data: str | None = Field(sa_type=Text)
    actor: str | None = Field(sa_type=Text)
    salt: bytes | None = Field(sa_type=LargeBinary)
    data_digest: bytes = Field(sa_type=LargeBinary)
    actor_digest: bytes = Field(sa_type=LargeBinary)
    causation_id: UUID | None
    causation_depth: int = Field(sa_type=Integer)
    traceparent: str | None = Field(sa_type=Text)
    hash_version: int = Field(sa_type=Integer)
    previous: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


class ProgressColumns(SQLModel):
    """How far a consumer has come in one log: the fence between two members, and the only truth about it."""

    __tablename__: ClassVar[str] = "progress"  # type: ignore[assignment, misc, unused-ignore]  # as above

    consumer: str = Field(sa_type=Text, primary_key=True)
    log_id: UUID = Field(primary_key=True)
    source: str = Field(sa_type=Text)
    position: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = Field(sa_type=_Instant)
    types: list[str] = Field(sa_type=_Texts)
    """The event types applied so far; a release that handles another one applies that type's past first."""
    left_at: datetime | None = Field(default=None, sa_type=_Instant)
    """When this log was left for the one that followed it; its events are passed over since."""


class DeadLetterColumns(SQLModel):
    """An event that could not be applied, kept with its bytes and the reason until it is replayed."""

    __tablename__: ClassVar[str] = "dead_letter"  # type: ignore[assignment, misc, unused-ignore]  # as above

    consumer: str = Field(sa_type=Text, primary_key=True)
    log_id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger, primary_key=True)
    event_id: UUID
    type: str = Field(sa_type=Text)
    subject: UUID
    subject_version: int = Field(sa_type=BigInteger)
    envelope: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    set_aside_at: datetime = Field(sa_type=_Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=_Instant)


class CursorColumns(SQLModel):
    """How far the Kafka publisher has sent the log, and who may send now."""

    __tablename__: ClassVar[str] = "cursor"  # type: ignore[assignment, misc, unused-ignore]  # as above

    name: str = Field(sa_type=Text, primary_key=True)
    position: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    holder: UUID | None = None
    held_until: datetime | None = Field(default=None, sa_type=_Instant)
    begins: int | None = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """The offset from which the topic holds what this log has sent; None where that is its end, when next compared."""


class FollowerColumns(SQLModel):
    """What a follower said it held when it last asked the feed: a witness of this log."""

    __tablename__: ClassVar[str] = "follower"  # type: ignore[assignment, misc, unused-ignore]  # as above

    consumer: str = Field(sa_type=Text, primary_key=True)
    principal: UUID
    """Who asks under this name; nobody else may."""
    log_id: UUID | None
    position: int = Field(sa_type=BigInteger)
    hash: bytes | None = Field(sa_type=LargeBinary)
    asked_at: datetime = Field(sa_type=_Instant)


class AnchorColumns(SQLModel):
    """A head that was signed and sent out."""

    __tablename__: ClassVar[str] = "anchor"  # type: ignore[assignment, misc, unused-ignore]  # as above

    log_id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger, primary_key=True)
    hash: bytes = Field(sa_type=LargeBinary)
    anchored_at: datetime = Field(sa_type=_Instant)
    signed: str = Field(sa_type=Text)


@dataclass(frozen=True, slots=True)
class EventTables:
    """A service's part of the event path; the schema has the service's name."""

    schema: str
    outbox: type[OutboxColumns]
    log_head: type[LogHeadColumns]
    event_log: type[EventLogColumns]
    progress: type[ProgressColumns]
    dead_letter: type[DeadLetterColumns]
    cursor: type[CursorColumns]
    follower: type[FollowerColumns]
    anchor: type[AnchorColumns]
    standing: type[StandingColumns]
