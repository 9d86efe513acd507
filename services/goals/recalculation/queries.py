"""What waits to be computed again, for those who look after the service."""

from collections.abc import Sequence

from sqlalchemy import distinct, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.goals.recalculation.tables import Dirty
from shared.messaging.state import Waiting


async def waiting(session: AsyncSession) -> Sequence[Waiting]:
    """The marks on the dirty list, and the indicators whose evaluation failed and is put off."""
    marks, aside = (
        await session.exec(
            select(
                func.count().filter(col(Dirty.not_before).is_(None)),
                func.count(distinct(col(Dirty.indicator_id))).filter(col(Dirty.not_before).is_not(None)),
            )
        )
    ).one()
    return [
        Waiting("dirty", "Changes whose results are not computed yet", marks),
        Waiting("indicators_set_aside", "Indicators whose evaluation failed and is tried again later", aside),
    ]
