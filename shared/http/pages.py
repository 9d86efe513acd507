"""Lists: a limit, a stated order, a keyset cursor for one walk, and where to follow what is new."""

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar, overload

from pydantic import BaseModel, Field
from sqlakeyset import InvalidPage
from sqlakeyset.asyncio import select_page
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar
from starlette.responses import Response

from shared.http.auth import UnitScope, offers
from shared.http.problems import is_transient
from shared.http.refusals import BadRequest
from shared.messaging.tables import LogHeadColumns

T = TypeVar("T")
LARGEST_PAGE = 200


class BadCursor(BadRequest):
    """The cursor is not one that this list gave out for this order."""

    code = "bad_cursor"
    title = "The cursor cannot be used"


class BadSort(BadRequest):
    """The list cannot be sorted by that."""

    code = "bad_sort"
    title = "The list cannot be sorted so"


class PageSettings(BaseModel):
    """Which part of a list is asked for."""

    limit: int = Field(default=50, ge=1, le=LARGEST_PAGE, description="How many items at most")
    cursor: str | None = Field(
        default=None, max_length=2000, description="`next` of the page before; good for one walk, with the same filters"
    )
    sort: str | None = None


def sorted_by(*names: str) -> Any:
    """`sort: str | None = sorted_by("code")`: the fields that a list can be sorted by, as its filters state them."""
    one = f"-?({'|'.join(names)})"
    return Field(
        default=None,
        max_length=200,
        # Told, not enforced: the list itself answers `bad_sort`, with the names.
        json_schema_extra={"pattern": f"^{one}(,{one})*$", "examples": [names[0], f"-{names[-1]}"]},
        description=f"Fields to sort by, with commas between and `-` for descending: {', '.join(names)}",
    )


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is null on the last one."""

    items: list[T]
    next: str | None = Field(default=None, description="Send it as `cursor` for the next page")


@overload
async def page(
    session: AsyncSession,
    statement: SelectOfScalar[T],
    query: PageSettings,
    *,
    sortable: Mapping[str, Any],
    default_sort: Sequence[Any],
) -> tuple[list[T], str | None]: ...


@overload
async def page(
    session: AsyncSession,
    statement: Select[*tuple[Any, ...]],
    query: PageSettings,
    *,
    sortable: Mapping[str, Any],
    default_sort: Sequence[Any],
) -> tuple[list[Any], str | None]: ...


async def page(
    session: AsyncSession,
    statement: Any,
    query: PageSettings,
    *,
    sortable: Mapping[str, Any],
    default_sort: Sequence[Any],
) -> tuple[list[Any], str | None]:
    """The rows of one page, and the cursor of the next one or None.

    `default_sort` names NOT NULL columns that are unique together; they also decide between equals of another order.
    """
    asked = _order(query.sort, sortable)
    statement = statement.order_by(None).order_by(*asked, *default_sort)
    try:
        found = await select_page(
            session, statement, per_page=query.limit, page=_opened(query.cursor, query.sort) if query.cursor else None
        )
    except (InvalidPage, csv.Error, DBAPIError) as error:
        # Made up, or of another list: it can hold places of a kind that these columns cannot be compared with.
        if query.cursor is None or is_transient(error):
            raise
        raise BadCursor("Start the walk again without a cursor.") from None
    following = found.paging.bookmark_next if found.paging.has_next else None
    rows = [row[0] for row in found] if isinstance(statement, SelectOfScalar) else list(found)
    return rows, None if following is None else _sealed(following, query.sort)


def _order(sort: str | None, sortable: Mapping[str, Any]) -> list[Any]:
    names = [name.strip() for name in sort.split(",")] if sort is not None else []
    known = ", ".join(sorted(sortable)) or "nothing"
    for name in names:
        if name.removeprefix("-") not in sortable:
            raise BadSort(f"This list can be sorted by {known}.")
    return [sortable[name[1:]].desc() if name.startswith("-") else sortable[name] for name in names]


def _sealed(bookmark: str, sort: str | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, bookmark]).encode()).decode().rstrip("=")


def _opened(cursor: str, sort: str | None) -> str:
    try:
        made_for, bookmark = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadCursor("Send `next` of the page before as it was given.") from error
    if made_for != sort or not isinstance(bookmark, str):
        raise BadCursor("A cursor is good for the order it was made with; send the same `sort`.")
    return bookmark


FOLLOW = "events:follow"
Follower = Annotated[UnitScope | None, offers(FOLLOW, whole_body=True)]
"""Whether the caller may follow the feed, which is for the whole body."""


async def say_where_to_follow(
    response: Response, session: AsyncSession, head: type[LogHeadColumns], follower: UnitScope | None
) -> None:
    """Tell a follower in Steward-Cursor where the feed goes on from what this list shows: `session` is its `Reading`.

    Nobody else is told: how far the log has come says how much goes on in units that are not the caller's.
    """
    if follower is None:
        return
    row = (await session.exec(select(head))).one_or_none()
    if row is not None:
        response.headers["Steward-Cursor"] = f"log={row.log_id}&after={row.position}&hash={row.hash.hex()}"
