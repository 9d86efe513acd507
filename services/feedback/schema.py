"""The feedback schema: the parent of its tables, and its part of the event path."""

from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from shared.http.sign_in.tables import PageSessionColumns, SignInColumns
from shared.http.tables import IdempotencyColumns
from shared.messaging import standing, tables


class FeedbackTable(SQLModel):
    """Parent of every table that feedback owns."""

    metadata: ClassVar[MetaData] = MetaData(schema="feedback")


class Outbox(tables.OutboxColumns, FeedbackTable, table=True):
    """What feedback has to say and has not numbered yet."""


class LogHead(tables.LogHeadColumns, FeedbackTable, table=True):
    """How far the log of feedback is."""


class EventLog(tables.EventLogColumns, FeedbackTable, table=True):
    """Everything feedback has said."""


class Progress(tables.ProgressColumns, FeedbackTable, table=True):
    """How far feedback has followed the others."""


class DeadLetter(tables.DeadLetterColumns, FeedbackTable, table=True):
    """What feedback could not apply."""


class Cursor(tables.CursorColumns, FeedbackTable, table=True):
    """How far the log of feedback has been sent to Kafka."""


class Follower(tables.FollowerColumns, FeedbackTable, table=True):
    """What the followers of feedback hold of its log."""


class Anchor(tables.AnchorColumns, FeedbackTable, table=True):
    """The heads of the log of feedback that were signed and sent out."""


class Idempotency(IdempotencyColumns, FeedbackTable, table=True):
    """Answers to requests that came with an Idempotency-Key."""


class SignIn(SignInColumns, FeedbackTable, table=True):
    """Who is on the way to the issuer of feedback and back."""


class PageSession(PageSessionColumns, FeedbackTable, table=True):
    """Who is signed in at the pages of feedback."""


class Standing(standing.StandingColumns, FeedbackTable, table=True):
    """How each part of the worker of feedback stands."""


EVENT_TABLES = tables.EventTables(
    schema="feedback",
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
