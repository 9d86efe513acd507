"""What a service says of its log itself: that data were erased from it, and that it goes on after a restore."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.event import Event, Part


class ErasedEvent(Part):
    """One event of the log whose data are gone; its place, type and subject remain."""

    position: Annotated[int, Field(ge=1)]
    id: UUID
    subject: UUID


class DataErased(Event):
    """Data and actor of these events were erased for good: whoever keeps a copy of what they said erases it too."""

    kind: ClassVar[Literal["state", "fact"]] = "fact"
    erasable: ClassVar[bool] = False

    case: str
    """Where the reason is on file, such as the number of a request; it names nobody."""
    events: list[ErasedEvent]


class LogRenewed(Event):
    """The first event of a log that goes on after a restore: what followed `restored_to` in the one before is lost."""

    kind: ClassVar[Literal["state", "fact"]] = "fact"
    erasable: ClassVar[bool] = False

    previous_log: UUID
    restored_to: Annotated[int, Field(ge=0)]


class GoalsDataErased(DataErased):
    """Data were erased from the log of goals."""

    type: ClassVar[str] = "steward.goals.data.erased.v1"


class FeedbackDataErased(DataErased):
    """Data were erased from the log of feedback."""

    type: ClassVar[str] = "steward.feedback.data.erased.v1"


class ReportingDataErased(DataErased):
    """Data were erased from the log of reporting."""

    type: ClassVar[str] = "steward.reporting.data.erased.v1"


class GoalsLogRenewed(LogRenewed):
    """The log of goals goes on after a restore."""

    type: ClassVar[str] = "steward.goals.log.renewed.v1"


class FeedbackLogRenewed(LogRenewed):
    """The log of feedback goes on after a restore."""

    type: ClassVar[str] = "steward.feedback.log.renewed.v1"


class ReportingLogRenewed(LogRenewed):
    """The log of reporting goes on after a restore."""

    type: ClassVar[str] = "steward.reporting.log.renewed.v1"


ERASED: tuple[type[DataErased], ...] = (GoalsDataErased, FeedbackDataErased, ReportingDataErased)
RENEWED: tuple[type[LogRenewed], ...] = (GoalsLogRenewed, FeedbackLogRenewed, ReportingLogRenewed)
