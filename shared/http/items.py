"""Items of a bulk request, read one by one: an item that cannot be read is refused alone and harms no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from shared.errors import FieldError, InvalidInput
from shared.http.bulk import ItemResult, refused_item
from shared.http.validation import field_errors

T = TypeVar("T")
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
