"""Who is signing in and who is signed in, as columns that each service puts into its own schema."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

_Instant: Any = DateTime(timezone=True)


class SignInColumns(SQLModel):
    """A sign-in under way: what must come back from the issuer, once, to the browser that was sent there."""

    __tablename__: ClassVar[str] = "sign_in"  # type: ignore[assignment, misc, unused-ignore]  # SQLModel declares it as a directive

    state_digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    browser_digest: bytes = Field(sa_type=LargeBinary)
    """Of a cookie, so that nobody can finish in another's browser what he began in his own."""
    nonce: str = Field(sa_type=Text)
    verifier: str = Field(sa_type=Text)
    next: str = Field(sa_type=Text)
    """The page to go to afterwards."""
    expires_at: datetime = Field(sa_type=_Instant)


class PageSessionColumns(SQLModel):
    """Somebody signed in with a browser; found by the digest of what the cookie holds."""

    __tablename__: ClassVar[str] = "page_session"  # type: ignore[assignment, misc, unused-ignore]  # as above

    id_digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    principal: UUID
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    """As the issuer calls the person; kept nowhere else."""
    grants: list[dict[str, str | None]] = Field(sa_type=JSONB)
    """The roles of the token."""
    sealed: str = Field(sa_type=Text)
    """Refresh and ID token, readable only with what the cookie holds."""
    token_ends_at: datetime = Field(sa_type=_Instant)
    seen_at: datetime = Field(sa_type=_Instant)
    ends_at: datetime = Field(sa_type=_Instant)
    renewing_until: datetime | None = Field(default=None, sa_type=_Instant)
    """While one request asks the issuer for new tokens, no other does; until then at most, should it die."""
