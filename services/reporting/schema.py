"""The reporting schema: the parent of its tables, and its part of the event path."""

from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from shared.http.sign_in.tables import PageSessionColumns, SignInColumns
from shared.messaging import standing, tables


class ReportingTable(SQLModel):
    """Parent of every table that reporting owns."""

    metadata: ClassVar[MetaData] = MetaData(schema="reporting")


class ReadTable(SQLModel):
    """Parent of the read models: made only from events, so that they can be dropped and rebuilt."""

    metadata: ClassVar[MetaData] = MetaData(schema="reporting_read")


class Outbox(tables.OutboxColumns, ReportingTable, table=True):
    """What reporting has to say and has not numbered yet."""


class LogHead(tables.LogHeadColumns, ReportingTable, table=True):
    """How far the log of reporting is."""


class EventLog(tables.EventLogColumns, ReportingTable, table=True):
    """Everything reporting has said."""


class Progress(tables.ProgressColumns, ReportingTable, table=True):
    """How far reporting has followed the others."""


class DeadLetter(tables.DeadLetterColumns, ReportingTable, table=True):
    """What reporting could not apply."""


class Cursor(tables.CursorColumns, ReportingTable, table=True):
    """How far the log of reporting has been sent to Kafka."""


class Follower(tables.FollowerColumns, ReportingTable, table=True):
    """What the followers of reporting hold of its log."""


class Anchor(tables.AnchorColumns, ReportingTable, table=True):
    """The heads of the log of reporting that were signed and sent out."""


class Standing(standing.StandingColumns, ReportingTable, table=True):
    """How each part of the worker of reporting stands."""


class SignIn(SignInColumns, ReportingTable, table=True):
    """Who is on the way to the issuer of reporting and back."""


class PageSession(PageSessionColumns, ReportingTable, table=True):
    """Who is signed in at the pages of reporting."""


EVENT_TABLES = tables.EventTables(
    "reporting", Outbox, LogHead, EventLog, Progress, DeadLetter, Cursor, Follower, Anchor, Standing
)
"""The event path of reporting, as shared.messaging takes it."""
