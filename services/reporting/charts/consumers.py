"""What makes a chart out of date; these handlers come after those of directory and facts."""

from collections.abc import Sequence

from services.reporting.charts.operations import redraw, redraw_indicators
from shared.contracts import EvaluationMade, IndicatorChanged
from shared.database import AsyncSession
from shared.messaging.handlers import Handlers, Received


async def on_evaluation_made(session: AsyncSession, events: Sequence[Received[EvaluationMade]]) -> None:
    """Draw the charts whose numbers have changed."""
    await redraw(session, [event.data.result_id for event in events])


async def on_indicator_changed(session: AsyncSession, events: Sequence[Received[IndicatorChanged]]) -> None:
    """Draw the charts whose direction or frequency may have changed."""
    await redraw_indicators(session, [event.data.indicator_id for event in events])


HANDLERS: Handlers = {EvaluationMade: on_evaluation_made, IndicatorChanged: on_indicator_changed}
