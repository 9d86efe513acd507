"""The scorecard of one unit."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.scorecards.domain import AskedPeriod, Scorecard
from shared.http.auth import UnitScope


async def scorecard(
    session: AsyncSession,
    key: str,
    *,
    period: AskedPeriod | None = None,
    languages: Sequence[str] = (),
    scope: UnitScope | None = None,
) -> Scorecard:
    """The scorecard of the unit with this id or code, in so many statements whatever it holds.

    Without a scope the reader is the public and sees indicators of class open only.
    """
    raise NotImplementedError
