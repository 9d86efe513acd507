"""The dashboard: many units side by side."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from services.reporting.scorecards.domain import Dashboard, DashboardFilters
from shared.http.auth import UnitScope


async def dashboard(
    session: AsyncSession,
    filters: DashboardFilters,
    *,
    languages: Sequence[str] = (),
    scope: UnitScope | None = None,
) -> Dashboard:
    """Units of one level with a number per chosen indicator.

    Without a scope the reader is the public and sees indicators of class open only.
    """
    raise NotImplementedError
