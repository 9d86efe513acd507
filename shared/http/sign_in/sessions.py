"""The rows of those who sign in and are signed in; each call is a transaction of its own."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from shared.database import SessionFactory, transaction
from shared.http.auth import Grant, Identity
from shared.http.sign_in.provider import Tokens
from shared.http.sign_in.secrets import digest, new_secret, seal, unseal

UNDER_WAY = timedelta(minutes=10)
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
RENEWING = timedelta(seconds=15)
"""For how long at most one request keeps the others from renewing the session: longer than it tries."""
NOTED_EVERY = timedelta(minutes=1)
"""How often at most it is written down that somebody is still there."""


@dataclass(frozen=True, slots=True)
class SignInUnderWay:
    """What was written down when a browser was sent to the issuer."""

    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True, slots=True)
class PageSession:
    """Somebody who is signed in."""

    secret: str = field(repr=False)
    identity: Identity
    name: str | None = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)
    token_ends_at: datetime


async def begin(
    sessions: SessionFactory, *, state: str, browser: str, under_way: SignInUnderWay, now: datetime
) -> None:
    """Write down a sign-in; what has not come back within ten minutes is forgotten."""
    async with transaction(sessions) as session:
        await session.execute(text(_clearing("sign_in", "state_digest", "expires_at <= :now")), {"now": now})
        await session.execute(
            text(
                "insert into sign_in (state_digest, browser_digest, nonce, verifier, next, expires_at)"
                " values (:state, :browser, :nonce, :verifier, :next, :expires_at)"
            ),
            {
                "state": digest(state),
                "browser": digest(browser),
                "expires_at": now + UNDER_WAY,
                **asdict(under_way),
            },
        )


async def take(sessions: SessionFactory, *, state: str, browser: str, now: datetime) -> SignInUnderWay | None:
    """The sign-in that this browser began with this state; it can be taken once."""
    async with transaction(sessions) as session:
        found = await session.execute(
            text(
                "delete from sign_in where state_digest = :state and browser_digest = :browser and expires_at > :now"
                " returning nonce, verifier, next"
            ),
            {"state": digest(state), "browser": digest(browser), "now": now},
        )
        row = found.first()
    return None if row is None else SignInUnderWay(*row)


async def open_session(
    sessions: SessionFactory,
    identity: Identity,
    name: str | None,
    tokens: Tokens,
    *,
    instead_of: str | None,
    now: datetime,
) -> str:
    """Sign somebody in under a new secret, whatever the browser held before; and forget those whose time is over."""
    secret = new_secret()
    async with transaction(sessions) as session:
        await session.execute(
            text(_clearing("page_session", "id_digest", "id_digest = :old or ends_at <= :now or seen_at <= :idle")),
            {"old": digest(instead_of or ""), "now": now, "idle": now - IDLE},
        )
        await session.execute(
            text(
                "insert into page_session (id_digest, principal, issuer, subject, name, grants, sealed, token_ends_at,"
                " seen_at, ends_at) values (:id, :principal, :issuer, :subject, :name, cast(:grants as jsonb), :sealed,"
                " :token_ends_at, :now, :ends_at)"
            ),
            {
                "id": digest(secret),
                "principal": identity.reference,
                "issuer": identity.issuer,
                "subject": identity.subject,
                "name": name,
                "grants": _grants(identity),
                "sealed": _sealed(secret, tokens.refresh, tokens.id),
                "token_ends_at": tokens.ends_at,
                "now": now,
                "ends_at": now + LONGEST,
            },
        )
    return secret


async def find(sessions: SessionFactory, secret: str, *, now: datetime, seen: bool) -> PageSession | None:
    """The session behind a secret, unless its time is over; `seen` starts its half hour anew."""
    async with transaction(sessions) as session:
        found = await session.execute(
            text(
                "select principal, issuer, subject, name, grants, sealed, token_ends_at, seen_at from page_session"
                " where id_digest = :id and ends_at > :now and seen_at > :idle"
            ),
            {"id": digest(secret), "now": now, "idle": now - IDLE},
        )
        row = found.first()
        if row is None:
            return None
        if seen and row.seen_at <= now - NOTED_EVERY:
            await session.execute(
                text("update page_session set seen_at = :now where id_digest = :id"), {"now": now, "id": digest(secret)}
            )
    refresh, id_token = json.loads(unseal(secret, row.sealed) or '["", ""]')
    grants = tuple(Grant(**grant) for grant in row.grants)
    identity = Identity(UUID(str(row.principal)), grants, issuer=row.issuer, subject=row.subject)
    return PageSession(secret, identity, row.name, refresh, id_token, row.token_ends_at)


async def begin_renewal(sessions: SessionFactory, held: PageSession, *, now: datetime) -> bool:
    """Whether the caller is the one to renew the session: unless somebody else does, or has done so since it looked."""
    async with transaction(sessions) as session:
        mine = await session.execute(
            text(
                "update page_session set renewing_until = :until where id_digest = :id and token_ends_at = :ends_at"
                " and coalesce(renewing_until <= :now, true) returning id_digest"
            ),
            {"until": now + RENEWING, "id": digest(held.secret), "ends_at": held.token_ends_at, "now": now},
        )
        return mine.first() is not None


async def give_up_renewal(sessions: SessionFactory, held: PageSession) -> None:
    """Let somebody else try."""
    async with transaction(sessions) as session:
        await session.execute(
            text("update page_session set renewing_until = null where id_digest = :id"), {"id": digest(held.secret)}
        )


async def renew(sessions: SessionFactory, held: PageSession, identity: Identity, tokens: Tokens) -> None:
    """Go on with new tokens, and the roles that they give."""
    async with transaction(sessions) as session:
        await session.execute(
            text(
                "update page_session set grants = cast(:grants as jsonb), sealed = :sealed, token_ends_at = :ends_at,"
                " renewing_until = null where id_digest = :id"
            ),
            {
                "id": digest(held.secret),
                "grants": _grants(identity),
                "sealed": _sealed(held.secret, tokens.refresh, tokens.id or held.id_token),
                "ends_at": tokens.ends_at,
            },
        )


async def end(sessions: SessionFactory, secret: str) -> None:
    """Sign out: nothing of it is kept."""
    async with transaction(sessions) as session:
        await session.execute(text("delete from page_session where id_digest = :id"), {"id": digest(secret)})


def _clearing(table: str, key: str, over: str) -> str:
    """A statement that deletes what is over; of two that clear away at once neither waits for the other."""
    return f"delete from {table} where {key} in (select {key} from {table} where {over} for update skip locked)"  # noqa: S608 - our own words


def _grants(identity: Identity) -> str:
    return json.dumps([asdict(grant) for grant in identity.grants])


def _sealed(secret: str, refresh_token: str, id_token: str) -> str:
    return seal(secret, json.dumps([refresh_token, id_token]))
