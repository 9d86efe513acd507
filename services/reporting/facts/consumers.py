"""What the facts learn from goals."""

from collections.abc import Sequence

from services.reporting.facts.operations import keep_evaluations, keep_vintages
from shared.contracts import EvaluationMade, MeasurementRecorded
from shared.database import AsyncSession
from shared.messaging.handlers import Handlers, Received


async def on_evaluation_made(session: AsyncSession, events: Sequence[Received[EvaluationMade]]) -> None:
    """Keep the periods that were evaluated."""
    await keep_evaluations(session, [(event.subject_version, event.data) for event in events])


async def on_measurement_recorded(session: AsyncSession, events: Sequence[Received[MeasurementRecorded]]) -> None:
    """Keep the vintages of each period."""
    await keep_vintages(session, [event.data for event in events])


HANDLERS: Handlers = {EvaluationMade: on_evaluation_made, MeasurementRecorded: on_measurement_recorded}
