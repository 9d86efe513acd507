"""Items of a bulk request, read one by one: an item that cannot be read is refused alone and harms no other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from starlette.responses import Response

from shared.errors import FieldError, InvalidInput, ServiceError
from shared.http.bulk import ItemResult, bulk_response, refused_item
from shared.http.validation import field_errors

T = TypeVar("T")
Done = TypeVar("Done")
MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is not what the route takes."""

    sent: Any
    error: ValidationError


def _read(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as error:
        return Unreadable(value, error)


EachAlone = WrapValidator(_read)
"""`items: list[Annotated[UnitIn, EachAlone]]`: described as a list of units, read by `read_items`."""


def read_items(request: Request, items: Sequence[T]) -> tuple[dict[int, T], list[ItemResult]]:
    """The items that can be read by their places, and the results of those that cannot."""
    readable: dict[int, T] = {}
    refused: list[ItemResult] = []
    for index, item in enumerate(items):
        if isinstance(item, Unreadable):
            refused.append(refused_item(index, _why(request, index, item), id=sent_id(item.sent)))
        else:
            readable[index] = item
    return readable, refused


def items_response(
    readable: Mapping[int, T],
    refused: Sequence[ItemResult],
    outcomes: Sequence[Done | ServiceError],
    *,
    accepted: Callable[[int, T, Done], ItemResult],
    name: Callable[[T], str | None] | None = None,
) -> Response:
    """207 for what `read_items` gave and what became of each readable item, in their order.

    `accepted` tells of an item that was done; one that was not is known by its `name`, else by the id it was sent with.
    """
    results = list(refused)
    for (index, item), outcome in zip(readable.items(), outcomes, strict=True):
        if isinstance(outcome, ServiceError):
            results.append(refused_item(index, outcome, id=(name or sent_id)(item)))
        else:
            results.append(accepted(index, item, outcome))
    return bulk_response(sorted(results, key=lambda result: result.index))


def sent_id(item: Any) -> str | None:
    """The id that the client gave an item, if it is one."""
    value = item.get("id") if isinstance(item, dict) else getattr(item, "id", None)
    return value if isinstance(value, str) and len(value) <= 64 else None


def _why(request: Request, index: int, item: Unreadable) -> InvalidInput:
    # Placed as in the whole body, so that the fields there are can be named; told as places in the item.
    place = f"/items/{index}"
    errors = [{**each, "loc": ("body", "items", index, *each["loc"])} for each in item.error.errors(include_url=False)]
    found = field_errors(request, RequestValidationError(errors, body={"items": {index: item.sent}}))
    fields = [FieldError(each.where.removeprefix(place), each.accepted, each.sent) for each in found]
    return InvalidInput("The item cannot be accepted as it is.", fields)
