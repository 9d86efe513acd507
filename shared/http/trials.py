"""`validate_only=true`: a write that is checked to its end, answered as it would be, and leaves nothing behind."""

from contextvars import ContextVar
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PARAMETER = "validate_only"
_ASKED = "steward.validate_only"
_trial: ContextVar[bool] = ContextVar("trial", default=False)
_ONLY_OF_WHAT_IS_KEPT = (b"steward-written", b"location")


async def is_trial(
    request: Request,
    validate_only: Annotated[
        bool,
        Query(
            description="Check everything, answer as if it were done, and keep nothing: "
            "the answer has `Steward-Validate-Only: true`, and neither Location nor Steward-Written"
        ),
    ] = False,
) -> bool:
    """Whether the caller wants to know what would come of a write, and not to make it."""
    if validate_only:
        request.scope[_ASKED] = True
    _trial.set(validate_only)
    return validate_only


Trial = Annotated[bool, Depends(is_trial)]


def in_trial() -> bool:
    """Whether the write that is being answered is a trial."""
    return _trial.get()


async def undo(session: AsyncSession) -> None:
    """Let the database check what it checks only at a commit, and forget it all."""
    await session.flush()
    await session.execute(text("set constraints all immediate"))
    await session.rollback()


class TrialAnswers:
    """Says of an answer that nothing was kept, and leaves out where that would be found."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Change the headers of the answer where the route has learnt that it is a trial."""
        if scope["type"] != "http" or not scope["query_string"]:
            await self.app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start" and _ASKED in scope:
                kept = [(name, value) for name, value in message["headers"] if name not in _ONLY_OF_WHAT_IS_KEPT]
                message["headers"] = [*kept, (b"steward-validate-only", b"true")]
            await send(message)

        await self.app(scope, receive, marked)
