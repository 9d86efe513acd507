"""Where a browser signs in and out; the same four addresses in every service."""

import re
from typing import Annotated

import structlog
from fastapi import APIRouter, FastAPI, Query, Request
from starlette.responses import RedirectResponse, Response

from shared.errors import FieldError, InvalidInput
from shared.http.auth import Identity, TokenRefused, admitted
from shared.http.problems import problem_response
from shared.http.sessions import Now, Sessions
from shared.http.sign_in import sessions as rows
from shared.http.sign_in.errors import SessionOnHold, SignInFailed, SignInFirst
from shared.http.sign_in.provider import Provider, Tokens
from shared.http.sign_in.secrets import browser_cookie, give, new_secret, secret_in, session_cookie, take_back
from shared.http.sign_in.sessions import UNDER_WAY, SignInUnderWay
from shared.http.sign_in.visitors import Visiting, Visitor, provider_of, sound_form
from shared.http.validation import shown
from shared.settings import ServiceSettings
from shared.ui.render import page

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)
LONGEST_NEXT = 2000
# Browsers read a backslash as a slash, and drop tabs and line ends: either would make another host of it.
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def install(app: FastAPI, settings: ServiceSettings) -> None:
    """Add the addresses, and send whoever must sign in first there and back."""
    own_address = settings.links.get(app.state.name)
    app.state.provider = (
        Provider(settings.sign_in, own_address.rstrip("/")) if settings.sign_in and own_address else None
    )
    app.include_router(router)

    async def sign_in_first(request: Request, error: Exception) -> Response:
        assert isinstance(error, SignInFirst)  # noqa: S101 - registered for this class alone
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        if visitor is None or request.method not in ("GET", "HEAD"):
            return problem_response(request, error)
        return RedirectResponse(visitor.sign_in, 303)

    async def sign_in_again_later(request: Request, error: Exception) -> Response:
        assert isinstance(error, SessionOnHold)  # noqa: S101 - as above
        if request.method == "POST":
            # Browsers forget what was typed into a page that no cache may keep, so the answer holds it.
            request.state.sent = [each for each in (await request.form()).multi_items() if isinstance(each[1], str)]
        return problem_response(request, error)

    app.add_exception_handler(SignInFirst, sign_in_first)
    app.add_exception_handler(SessionOnHold, sign_in_again_later)


@router.get("/sign-in")
async def sign_in(
    request: Request,
    sessions: Sessions,
    now: Now,
    next_: Annotated[str | None, Query(alias="next")] = None,
    login_hint: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Send the browser to the issuer; it comes back to the page it was going to."""
    provider = provider_of(request)
    browser = secret_in(request, browser_cookie(request)) or new_secret()
    state = new_secret()
    under_way = SignInUnderWay(nonce=new_secret(), verifier=new_secret(), next=_local(request, next_))
    address = await provider.authorize_url(
        state=state, nonce=under_way.nonce, verifier=under_way.verifier, login_hint=login_hint
    )
    await rows.begin(sessions, state=state, browser=browser, under_way=under_way, now=now)
    answer = RedirectResponse(address, 303)
    give(answer, browser_cookie(request), browser, seconds=int(UNDER_WAY.total_seconds()))
    return answer


@router.get("/sign-in/callback")
async def signed_in(
    request: Request,
    sessions: Sessions,
    now: Now,
    state: Annotated[str, Query(max_length=100)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    iss: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Take the code that the issuer gave, once, and open a session under a new id."""
    provider = provider_of(request)
    request.state.visitor = Visitor(_home(request))
    browser = secret_in(request, browser_cookie(request))
    under_way = browser and await rows.take(sessions, state=state, browser=browser, now=now)
    if not under_way:
        raise SignInFailed("This sign-in was not begun with this browser, was finished before, or took too long.")
    if not code or iss not in (None, provider.settings.issuer):
        raise SignInFailed("The issuer did not say who you are.")
    tokens, name = await provider.redeem(code, nonce=under_way.nonce, verifier=under_way.verifier, now=now)
    identity = await _identity(request, tokens)
    secret = await rows.open_session(
        sessions, identity, name, tokens, instead_of=secret_in(request, session_cookie(request)), now=now
    )
    log.info("signed_in", principal=str(identity.reference))
    answer = RedirectResponse(under_way.next, 303)
    give(answer, session_cookie(request), secret)
    take_back(answer, browser_cookie(request))
    return answer


async def _identity(request: Request, tokens: Tokens) -> Identity:
    """Whose the tokens are: a sign-in gives what the same access token would give at the API, and no more."""
    try:
        identity: Identity = await request.app.state.verifier.verify(tokens.access)
    except TokenRefused as error:
        log.warning("sign_in_refused", reason=error.detail)
        raise SignInFailed(f"The access token that came with it is not accepted. {error.detail}") from error
    await admitted(request, identity)
    return identity


@router.post("/sign-out")
async def sign_out(request: Request, visitor: Visiting, sessions: Sessions) -> Response:
    """End the session, here and at the issuer."""
    if visitor.session is None and not visitor.on_hold:
        return RedirectResponse("/signed-out", 303)
    session = await sound_form(request, visitor)
    await rows.end(sessions, session.secret)
    elsewhere = await provider_of(request).end_session_url(session.id_token)
    request.state.visitor = Visitor(_home(request))
    # A page that leads on, and no redirect: the policy that forms stay on this site holds for where a form ends, too.
    answer = page(request, "signed_out.html", elsewhere=elsewhere)
    take_back(answer, session_cookie(request))
    return answer


@router.get("/signed-out")
async def signed_out(request: Request) -> Response:
    """Where signing out ends."""
    if request.app.state.provider is not None:
        request.state.visitor = Visitor(_home(request))
    return page(request, "signed_out.html", elsewhere=None)


def _home(request: Request) -> str:
    """The first page of the service that its start page names, else that one."""
    return next(iter(getattr(request.app.state, "pages", {})), "/")


def _local(request: Request, address: str | None) -> str:
    if address is None:
        return _home(request)
    if len(address) > LONGEST_NEXT or not _LOCAL.fullmatch(address):
        accepted = f"a path of this service that begins with one slash, such as {_home(request)}"
        raise InvalidInput("That is no page to go to afterwards.", [FieldError("query next", accepted, shown(address))])
    return address
