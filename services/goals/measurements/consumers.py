"""What measurements learn from feedback."""

from collections.abc import Sequence

from services.goals.measurements.operations.scores import ReleasedScore, record_released_scores
from shared.clock import current_time
from shared.contracts import ScoreReleased
from shared.database import AsyncSession
from shared.errors import NotFound
from shared.messaging.handlers import Handlers, InvalidEvent, Received
from shared.periods.calendar import Period


async def on_score_released(session: AsyncSession, events: Sequence[Received[ScoreReleased]]) -> None:
    """Make measurements of released scores; one that names what goals does not have is set aside."""
    scores = [(_score(event), event.as_cause) for event in events]
    try:
        await record_released_scores(session, scores, now=current_time())
    except NotFound as error:
        # Indicators and units are made here, so what is unknown now was never known: waiting would not help.
        raise InvalidEvent(error.detail) from error


def _score(event: Received[ScoreReleased]) -> ReleasedScore:
    released = event.data
    return ReleasedScore(
        cell_id=released.cell_id,
        indicator_id=released.indicator_id,
        unit_id=released.unit_id,
        period=Period(released.period.start, released.period.frequency),
        number=released.release,
        numerator=released.numerator,
        denominator=released.denominator,
        final=released.final,
        released_at=event.time,
    )


HANDLERS: Handlers = {ScoreReleased: on_score_released}
