"""Keeping a query inside a caller's units, in whichever copy of the unit tree a service holds."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true
from sqlalchemy.orm import aliased

from shared.http.auth import UnitScope


def within(units: Any, scope: UnitScope | None, unit_id: Any) -> ColumnElement[bool]:
    """The clause that a unit of a table lies at or below one of a scope's units; in None, the public's, none does."""
    if scope is None:
        return false()
    if scope.everywhere:
        return true()
    inside: ColumnElement[bool] = unit_id.in_(below(units, units.code.in_(sorted(scope.codes))))
    return inside


def below(units: Any, start: ColumnElement[bool]) -> Select[tuple[UUID]]:
    """The ids of the units of a table that match, and of all units below them."""
    child = aliased(units)
    inside = select(units.id).where(start).cte(recursive=True)
    # UNION, not UNION ALL: moves that arrive out of order can close a copy of the tree to a ring for a moment.
    inside = inside.union(select(child.id).join(inside, child.parent_id == inside.c.id))
    return select(inside.c.id)
