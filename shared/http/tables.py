"""The table that remembers answers, as columns that each service puts into its own schema."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

_Instant: Any = DateTime(timezone=True)


class IdempotencyColumns(SQLModel):
    """The answer that a request with an Idempotency-Key got, kept in the transaction of its work."""

    __tablename__: ClassVar[str] = "idempotency"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel declares it as a directive

    principal: UUID = Field(primary_key=True)
    route: str = Field(sa_type=Text, primary_key=True)
    """Method and path as they were asked for."""
    key: str = Field(sa_type=Text, primary_key=True)
    request_digest: bytes = Field(sa_type=LargeBinary)
    status: int = Field(sa_type=Integer)
    headers: dict[str, str] = Field(sa_type=JSONB)
    body: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime = Field(sa_type=_Instant)
