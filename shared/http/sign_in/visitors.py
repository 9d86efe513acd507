"""Who looks at a page: the permission in its signature, and what its templates show of whoever is signed in."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from fastapi import Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from shared.database import SessionFactory
from shared.errors import Forbidden, Unavailable
from shared.http.auth import Blocked, Caller, Identity, TokenRefused, UnitScope, admitted, scope_for
from shared.http.middleware import public_cache
from shared.http.sessions import Now
from shared.http.sign_in import sessions
from shared.http.sign_in.errors import (
    ForeignForm,
    NoSignIn,
    SessionOnHold,
    SignInFailed,
    SignInFirst,
    TokenOnPage,
)
from shared.http.sign_in.provider import Provider
from shared.http.sign_in.secrets import csrf_token, secret_in, session_cookie
from shared.http.sign_in.sessions import PageSession

log = structlog.get_logger()
CSRF_FIELD = "csrf"
_READING = ("GET", "HEAD")
_RENEWED_BEFORE = timedelta(seconds=60)
_LONGEST_RENEWAL, _POLL = 10.0, 0.1
_ON_HOLD = "You are still signed in, but where you signed in does not answer. Nothing is lost: try again in a moment."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at a page, as `visitor` in its template."""

    address: str
    """Of the page, to come back to after signing in."""
    session: PageSession | None = field(default=None, repr=False)
    identity: Identity | None = None
    """With all roles; None for the public."""
    blocked: bool = False
    """Somebody whose session has just been ended for that."""
    on_hold: bool = False
    """Somebody signed in whose token has ended while the issuer cannot be asked for another: until then, the public."""

    @property
    def name(self) -> str | None:
        """What the issuer calls whoever is signed in."""
        return (self.session.name or "Signed in") if self.session else None

    @property
    def csrf_field(self) -> Markup:
        """The hidden field that every form of somebody signed in holds."""
        token = csrf_token(self.session.secret) if self.session else ""
        return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)

    @property
    def sign_in(self) -> str:
        """The address that signs in and leads back here."""
        return f"/sign-in?{urlencode({'next': self.address})}"


def provider_of(request: Request) -> Provider:
    """The issuer at which people sign in; NoSignIn where the settings name none."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NoSignIn("STEWARD_SIGN_IN and the service's own address in STEWARD_LINKS set it up.")
    return provider


async def visitor_of(request: Request, now: Now) -> Visitor:
    """Whoever asks for this page; the session of somebody who is blocked ends here."""
    return await _visitor(request, now, seen=True)


Visiting = Annotated[Visitor, Depends(visitor_of)]


async def still_signed_in(request: Request, now: datetime) -> bool:
    """Whether the session that a stream began with goes on; watching a page is no sign that somebody is there."""
    return (await _visitor(request, now, seen=False)).session is not None


async def _visitor(request: Request, now: datetime, *, seen: bool) -> Visitor:
    if request.headers.get("authorization", "").lower().startswith("bearer"):
        raise TokenOnPage("Sign in with a browser here, or send the token to the API below /v1/.")
    visitor = Visitor(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    if request.app.state.provider is None:
        return visitor
    # Known from here on, so that a page which tells what went wrong shows where to sign in.
    request.state.visitor = visitor
    secret = secret_in(request, session_cookie(request))
    try:
        held = await _going_on(request, secret, now, seen=seen) if secret else None
    except SessionOnHold:
        request.state.visitor = visitor = replace(visitor, on_hold=True)
        return visitor
    if held is None:
        return visitor
    try:
        identity = await admitted(request, held.identity)
    except Blocked:
        await sessions.end(request.app.state.sessions, held.secret)
        return replace(visitor, blocked=True)
    request.state.visitor = visitor = replace(visitor, session=held, identity=identity)
    return visitor


async def _going_on(request: Request, secret: str, now: datetime, *, seen: bool) -> PageSession | None:
    """The session of this secret, with a token that is still good; it is renewed in its last minute.

    By one request at a time, in whichever process: an issuer that takes each refresh token once takes the second use
    for a theft, and ends the sign-in. Meanwhile the others go on with the token they have, or wait for the new one.
    """
    factory: SessionFactory = request.app.state.sessions
    loop = asyncio.get_running_loop()
    until = loop.time() + _LONGEST_RENEWAL
    held = await sessions.find(factory, secret, now=now, seen=seen)
    while held is not None and held.token_ends_at <= now + _RENEWED_BEFORE:
        is_good = held.token_ends_at > now
        if held.refresh_token and await sessions.begin_renewal(factory, held, now=now):
            await _renew(request, held, now)
            held = await sessions.find(factory, secret, now=now, seen=False)
            return held if held is not None and held.token_ends_at > now else None
        if is_good or not held.refresh_token:
            return held if is_good else None
        if loop.time() > until:
            raise SessionOnHold("Somebody is asking the issuer for it already.")
        await asyncio.sleep(_POLL)
        held = await sessions.find(factory, secret, now=now, seen=False)
    return held


async def _renew(request: Request, held: PageSession, now: datetime) -> None:
    """Go on with new tokens, or with the old one as long as it is good; SessionOnHold where nobody knows."""
    factory: SessionFactory = request.app.state.sessions
    until = asyncio.get_running_loop().time() + _LONGEST_RENEWAL
    try:
        async with asyncio.timeout_at(until):
            tokens = await provider_of(request).refresh(held.refresh_token, now)
        try:
            async with asyncio.timeout_at(until):
                identity: Identity = await request.app.state.verifier.verify(tokens.access)
        except (Unavailable, TimeoutError):
            # The refresh token is used up, so the new one is kept, for when the access token can be checked.
            tokens = replace(tokens, ends_at=held.token_ends_at)
            await sessions.renew(factory, held, held.identity, tokens)
            raise
        if identity.reference != held.identity.reference:
            raise SignInFailed("The new token is somebody else's.")
        await sessions.renew(factory, held, identity, tokens)
    except (SignInFailed, TokenRefused) as error:
        log.warning("session_not_renewed", reason=error.code)
        await sessions.give_up_renewal(factory, held)
    except (Unavailable, TimeoutError) as error:
        log.warning("session_not_renewed", reason=getattr(error, "code", "timeout"))
        await sessions.give_up_renewal(factory, held)
        if held.token_ends_at <= now:
            raise SessionOnHold("The issuer does not answer.") from error


async def sound_form(request: Request, visitor: Visiting) -> PageSession:
    """The session that a form was sent in: from a page of this service that was made for this session."""
    if visitor.on_hold:
        raise SessionOnHold(_ON_HOLD)
    if visitor.session is None:
        raise SignInFirst("You are not signed in, or no longer: sign in, then send the form again.")
    if request.headers.get("origin") != provider_of(request).origin:
        raise ForeignForm("The form was sent from another site (Origin).")
    sent = (await request.form()).get(CSRF_FIELD)
    if not isinstance(sent, str) or not compare_digest(sent.encode(), csrf_token(visitor.session.secret).encode()):
        raise ForeignForm(f"Its field {CSRF_FIELD} is not this session's: load the page anew and send it again.")
    return visitor.session


def csrf_field(request: Request) -> Markup:
    """The hidden field that a form needs, for a page whose visitor is known."""
    visitor: Visitor = request.state.visitor
    return visitor.csrf_field


class PagePermitted:
    """The dependency of a page for those who hold a permission; what is not only read needs a sound form too."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self, request: Request, visitor: Visiting) -> Caller:
        if visitor.blocked:
            raise Blocked("An administrator has blocked this principal.")
        if request.method not in _READING:
            await sound_form(request, visitor)
        if visitor.on_hold:
            raise SessionOnHold(_ON_HOLD)
        if visitor.identity is None:
            raise SignInFirst(f"This page needs the permission «{self.permission}».")
        scope = scope_for(visitor.identity, self.permission, request.app.state.roles)
        if scope is None:
            raise Forbidden(f"This needs the permission «{self.permission}», which none of your roles holds.")
        return Caller(visitor.identity.reference, scope)


class PageOffered:
    """The dependency of a public page that shows more to those who hold a permission: their units, None for others."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self, request: Request, visitor: Visiting) -> UnitScope | None:
        if visitor.identity is None:
            return None
        return scope_for(visitor.identity, self.permission, request.app.state.roles)


def address_signed_in(request: Request, service: str, path: str) -> str:
    """The address of another service's page, by way of its sign-in: at an issuer that remembers, nobody is asked."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is None or visitor.session is None:
        return f"{service}{path}"
    by_subject = provider_of(request).settings.subject_is_login_hint
    hint = {"login_hint": visitor.session.identity.subject} if by_subject else {}
    return f"{service}/sign-in?{urlencode({'next': path, **hint})}"


def page_requires(permission: str) -> Any:
    """`Annotated[Caller, page_requires("measurements:record")]`: whoever is signed in and holds the permission."""
    return Depends(PagePermitted(permission))


def page_offers(permission: str) -> Any:
    """`Annotated[UnitScope | None, page_offers("results:read")]`: the units a visitor holds it for, or None."""
    return Depends(PageOffered(permission))


def keep_page(request: Request, response: Response, seconds: int) -> None:
    """Let anybody keep a page for so long, unless it was made for somebody's session."""
    if session_cookie(request) not in request.cookies:
        public_cache(response, seconds)
        response.headers["Vary"] += ", Cookie"
