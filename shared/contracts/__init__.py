"""What the services tell each other."""

from shared.contracts.event import Event
from shared.contracts.feedback.surveys import ScoredQuestion, ScoreReleased, SurveyChanged
from shared.contracts.goals.indicators import AssignmentChanged, IndicatorChanged, Ratio
from shared.contracts.goals.measurements import (
    EvaluatedPeriod,
    EvaluationMade,
    MeasurementRecorded,
    PeriodKey,
    RecordedValue,
    RuleSet,
    SeriesKey,
    TargetSet,
    TargetValue,
)
from shared.contracts.goals.organisation import BodyChanged, CalendarChanged, UnitChanged
from shared.contracts.goals.people import PrincipalChanged, RoleAssignmentChanged
from shared.contracts.logs import (
    DataErased,
    ErasedEvent,
    FeedbackDataErased,
    FeedbackLogRenewed,
    GoalsDataErased,
    GoalsLogRenewed,
    LogRenewed,
    ReportingDataErased,
    ReportingLogRenewed,
)

__all__ = [
    "AssignmentChanged",
    "BodyChanged",
    "CalendarChanged",
    "DataErased",
    "ErasedEvent",
    "EvaluatedPeriod",
    "EvaluationMade",
    "Event",
    "FeedbackDataErased",
    "FeedbackLogRenewed",
    "GoalsDataErased",
    "GoalsLogRenewed",
    "IndicatorChanged",
    "LogRenewed",
    "MeasurementRecorded",
    "PeriodKey",
    "PrincipalChanged",
    "Ratio",
    "RecordedValue",
    "ReportingDataErased",
    "ReportingLogRenewed",
    "RoleAssignmentChanged",
    "RuleSet",
    "ScoreReleased",
    "ScoredQuestion",
    "SeriesKey",
    "SurveyChanged",
    "TargetSet",
    "TargetValue",
    "UnitChanged",
]
