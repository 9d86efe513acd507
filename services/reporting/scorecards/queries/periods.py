"""Which periods a reader can choose from."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.directory.tables import Indicator
from services.reporting.facts.tables import ResultValue
from services.reporting.scorecards.domain.answers import ShownPeriod
from services.reporting.scorecards.queries.parts import known, known_indicators, shown_period


async def periods_with_figures(session: AsyncSession, indicator_id: UUID) -> list[ShownPeriod]:
    """The periods of an indicator's own frequency in which some unit has a value, newest first."""
    found = (await session.exec(known_indicators().where(Indicator.id == indicator_id))).first()
    if found is None:
        return []
    indicator = known(*found)
    frequency = indicator.ref.frequency
    starts = await session.exec(
        select(col(ResultValue.period_start))
        .where(
            ResultValue.indicator_id == indicator_id,
            ResultValue.frequency == frequency,
            col(ResultValue.value).is_not(None),
        )
        .distinct()
        .order_by(col(ResultValue.period_start).desc())
    )
    return [shown_period(indicator.calendar, frequency, start) for start in starts]
