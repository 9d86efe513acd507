"""Charts as they were last drawn: made from the facts whenever those change, and looked up when a page is read."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.reporting.schema import ReadTable

_Json: Any = JSONB(none_as_null=True)


class Chart(ReadTable, table=True):
    """The control chart of one result at the frequency of its indicator."""

    __tablename__: ClassVar[str] = "chart"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel's directive

    result_id: UUID = Field(primary_key=True)
    frequency: str = Field(sa_type=Text, primary_key=True)
    variation: str | None = Field(sa_type=Text)
    assurance: str | None = Field(sa_type=Text)
    starts: list[str] = Field(sa_type=_Json)
    """The first day of each point."""
    drawn: dict[str, Any] = Field(sa_type=_Json)
    """Points and segments, in double precision."""
    rule_set: dict[str, Any] = Field(sa_type=_Json)
    """The rules it was drawn by, with their parameters."""
