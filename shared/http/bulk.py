"""Bulk answers: 207 with one result per item, in order; a bad item never harms a good one."""

from collections.abc import Sequence
from typing import Any

import structlog
from pydantic import BaseModel, Field
from starlette.responses import Response

from shared.errors import ServiceError
from shared.http.problems import STATUS, Problem, problem_of
from shared.http.trials import in_trial


class ItemResult(BaseModel):
    """What became of one item."""

    index: int = Field(description="Place of the item in what was sent, from 0")
    id: str | None = Field(default=None, description="The item's id: as the client sent it, else as it was made")
    status: int = Field(description="What the item would have got as a request of its own")
    written: str | None = Field(default=None, description="As Steward-Written: send it in Steward-After to read it")
    problem: Problem | None = None
    result: Any = Field(default=None, description="What the item's own answer would have held, where there is more")


class BulkAnswer(BaseModel):
    """One result per item, in the order of the items."""

    accepted: int
    refused: int
    items: list[ItemResult]


def refused_item(index: int, error: ServiceError, *, id: str | None = None) -> ItemResult:  # noqa: A002 - the field's name
    """The result of an item that cannot be accepted; its problem quotes the id of the request that it came in."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    problem = Problem.model_validate(problem_of(error, path=f"/items/{index}", request_id=request_id))
    return ItemResult(index=index, id=id, status=STATUS[error.kind], problem=problem)


def bulk_response(results: Sequence[ItemResult]) -> Response:
    """207 with every result."""
    refused = sum(result.status >= 400 for result in results)
    if in_trial():
        results = [result.model_copy(update={"written": None}) for result in results]
    answer = BulkAnswer(accepted=len(results) - refused, refused=refused, items=list(results))
    return Response(answer.model_dump_json(exclude_none=True), 207, media_type="application/json")
