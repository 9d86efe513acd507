"""Keeping the copies as new as the newest event seen."""

from collections.abc import Sequence
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from services.feedback.directory.tables import Body, Indicator, Unit
from shared.upserts import keep_newest

Copy = TypeVar("Copy", Body, Unit, Indicator)


async def keep(session: AsyncSession, copies: Sequence[Copy]) -> None:
    """Store copies of one kind; one that is older than what is held changes nothing, so order does not matter."""
    if copies:
        await keep_newest(session, type(copies[0]), [copy.model_dump() for copy in copies])
