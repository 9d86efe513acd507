"""The reporting service's worker: follows goals and feedback, keeps the read models, draws the charts."""

from services.reporting.charts.consumers import HANDLERS as CHARTS
from services.reporting.charts.tables import Chart
from services.reporting.directory.consumers import HANDLERS as DIRECTORY
from services.reporting.directory.tables import (
    Assignment,
    Body,
    Calendar,
    Indicator,
    Principal,
    RoleAssignment,
    Survey,
    Unit,
)
from services.reporting.facts.consumers import HANDLERS as FACTS
from services.reporting.facts.tables import RecordedVintage, Result, ResultValue
from services.reporting.schema import EVENT_TABLES
from services.reporting.settings import ReportingSettings
from shared.messaging.restore import Copies
from shared.messaging.worker import Run, Running, run_worker

HANDLERS = (DIRECTORY, FACTS, CHARTS)
"""In the order in which they are given an event: charts are drawn from the facts that were just kept."""
FOLLOWS = {
    "goals": Copies(
        dropped=(
            Body,
            Unit,
            Calendar,
            Indicator,
            Assignment,
            RecordedVintage,
            Result,
            ResultValue,
            Chart,
        ),
        kept=(Principal,),
        guarding=(RoleAssignment,),
    ),
    "feedback": Copies(dropped=(Survey,)),
}
"""The logs that reporting follows, with what it keeps of each."""


def main(settings: ReportingSettings | None = None, run: Run = run_worker) -> Running:
    """Work until SIGTERM or SIGINT.

    Starts the connections, then sequencer, publisher and consumers; stops them the other way round, each after its
    step in hand.
    """
    return run(
        service="reporting",
        settings=settings or ReportingSettings(),
        tables=EVENT_TABLES,
        handlers=HANDLERS,
        follows=list(FOLLOWS),
    )
