"""The goals schema: the parent of its tables, and its part of the event path."""

from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from shared.http.sign_in.tables import PageSessionColumns, SignInColumns
from shared.http.tables import IdempotencyColumns
from shared.messaging import standing, tables


class GoalsTable(SQLModel):
    """Parent of every table that goals owns."""

    metadata: ClassVar[MetaData] = MetaData(schema="goals")


class Outbox(tables.OutboxColumns, GoalsTable, table=True):
    """What goals has to say and has not numbered yet."""


class LogHead(tables.LogHeadColumns, GoalsTable, table=True):
    """How far the log of goals is."""


class EventLog(tables.EventLogColumns, GoalsTable, table=True):
    """Everything goals has said."""


class Progress(tables.ProgressColumns, GoalsTable, table=True):
    """How far goals has followed the others."""


class DeadLetter(tables.DeadLetterColumns, GoalsTable, table=True):
    """What goals could not apply."""


class Cursor(tables.CursorColumns, GoalsTable, table=True):
    """How far the log of goals has been sent to Kafka."""


class Follower(tables.FollowerColumns, GoalsTable, table=True):
    """What the followers of goals hold of its log."""


class Anchor(tables.AnchorColumns, GoalsTable, table=True):
    """The heads of the log of goals that were signed and sent out."""


class Idempotency(IdempotencyColumns, GoalsTable, table=True):
    """What goals has answered to requests with an Idempotency-Key."""


class SignIn(SignInColumns, GoalsTable, table=True):
    """Who is on the way to the issuer of goals and back."""


class PageSession(PageSessionColumns, GoalsTable, table=True):
    """Who is signed in at the pages of goals."""


class Standing(standing.StandingColumns, GoalsTable, table=True):
    """How each part of the worker of goals stands."""


EVENT_TABLES = tables.EventTables(
    schema="goals",
    outbox=Outbox,
    log_head=LogHead,
    event_log=EventLog,
    progress=Progress,
    dead_letter=DeadLetter,
    cursor=Cursor,
    follower=Follower,
    anchor=Anchor,
    standing=Standing,
)
