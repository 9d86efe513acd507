"""What can go wrong with signing in by browser, and with forms of those who are signed in."""

from typing import ClassVar

from shared.errors import Forbidden, Unavailable
from shared.http.auth import NotSignedIn
from shared.http.refusals import BadRequest


class SignInFirst(NotSignedIn):
    """The page is for those who are signed in, with a role that may see it."""

    code: ClassVar[str] = "sign_in_first"
    title: ClassVar[str] = "Sign in first"


class TokenOnPage(NotSignedIn):
    """Pages are for people with a browser and take no access token; programmes ask the API below /v1/."""

    code: ClassVar[str] = "token_on_page"
    title: ClassVar[str] = "A page takes no access token"


class SignInFailed(BadRequest):
    """What came back from the issuer does not complete a sign-in that began here; begin again."""

    code = "sign_in_failed"
    title = "Signing in did not work"
    retry = "after_login"


class NoSignIn(Unavailable):
    """This service has no issuer for browsers in its settings, or cannot reach it at the moment."""

    code = "no_sign_in"
    title = "Signing in is not possible at the moment"


class SessionOnHold(Unavailable):
    """The session goes on as soon as the issuer, which cannot be asked at the moment, has confirmed it."""

    code = "session_on_hold"
    title = "Your session cannot be confirmed at the moment"
    retry_after = 5


class ForeignForm(Forbidden):
    """The form was not sent from a page of this service that was made for this session; load the page anew."""

    code = "foreign_form"
    title = "The form is not from this session"
