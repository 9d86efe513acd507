"""How often one caller may ask, by class of route: a principal by its token, everybody else by address."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import ServiceError
from shared.http.callers import Counted, address_of
from shared.http.counting import Counts, InProcess, InRedis
from shared.http.middleware import PROBES
from shared.http.problems import problem_response
from shared.settings import RouteClass, ServiceSettings

DEFAULTS: Mapping[RouteClass, str] = {
    "reads": "30000/minute",
    "writes": "30000/minute",
    "public_posts": "60000/minute",
    "sign_in": "1200/minute",
    "feed": "12000/minute",
}
"""What one caller may do with one process unless the settings say otherwise: it stops a runaway script, not a crowd.

A caller without a token is an address, and behind one address there may be the ten thousand people of an office, a
university or a mobile network, all asked to answer a survey on the same morning. If they all come within ten minutes,
each with three pages and one answer, that is 3 000 pages and 1 000 answers a minute: the limits lie ten times and more
above it, at about a third of what one process can store. Sign-in allows for twenty people a second. Floods from many
addresses are for whatever stands before us; these limits keep one caller from crowding out the others.
"""
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_KNOWN_FOR = 60.0
_MOST_KNOWN = 10_000


class TooManyRequests(ServiceError):
    """You have asked more often than one caller may; wait the seconds of Retry-After, or send several at a time."""

    kind = "too-many"
    code = "too_many_requests"
    title = "Too many requests"
    retry = "same"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    name: RouteClass
    amount: int
    seconds: int

    @property
    def policy(self) -> bytes:
        """What RateLimit-Policy says."""
        return f'"{self.name}";q={self.amount};w={self.seconds}'.encode()


def rates_of(settings: ServiceSettings) -> dict[RouteClass, Rate]:
    """The rates that hold in one process; a class that is unlimited is missing."""
    # Counted apart, each replica allows its part.
    parts = 1 if settings.shared_counts else settings.replicas
    rates: dict[RouteClass, Rate] = {}
    for name, default in DEFAULTS.items():
        amount, _, unit = settings.rates.get(name, default).partition("/")
        if unit:
            rates[name] = Rate(name, max(1, int(amount) // parts), _SECONDS[unit])
    return rates


def class_of(scope: Scope, *, is_principal: bool) -> RouteClass:
    """The class of a request; nothing else in the code needs to say which class its routes are of."""
    path = scope["path"]
    if path == "/v1/events":
        return "feed"
    if path.startswith("/sign-in"):
        return "sign_in"
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return "reads"
    return "writes" if is_principal else "public_posts"


class RateLimits:
    """Counts each request for its caller, refuses one too many, and leaves for Envelope what its answer shall say."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self.app = app
        self._rates = {name: (rate, rate.policy) for name, rate in rates_of(settings).items()}
        url = settings.shared_counts
        self._counts: Counts = InRedis(url.get_secret_value()) if url else InProcess()
        self._known: dict[int, tuple[Counted | None, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count one request and serve it; probes and static files are not counted."""
        if scope["type"] != "http" or scope["path"] in PROBES or scope["path"].startswith("/static/"):
            await self.app(scope, receive, send)
            return
        caller = scope["steward.counted"] = await self._caller_of(scope)
        held = self._rates.get(class_of(scope, is_principal=caller.is_principal))
        if held is not None:
            rate, policy = held
            now = time.time()
            count = await self._counts.add(f"{rate.name}/{caller.key}", rate.seconds, now)
            left, resets = max(0, rate.amount - count), rate.seconds - int(now) % rate.seconds
            scope["steward.rate"] = (
                (b"ratelimit-policy", policy),
                (b"ratelimit", b'"%b";r=%d;t=%d' % (rate.name.encode(), left, resets)),
            )
            if count > rate.amount:
                refused = TooManyRequests(
                    f"One caller may send {rate.amount} {rate.name} in {rate.seconds} s; in {resets} s you can go on."
                )
                answer = problem_response(Request(scope), refused, {"Retry-After": str(resets)})
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _caller_of(self, scope: Scope) -> Counted:
        for name, value in scope["headers"]:
            if name == b"authorization":
                return await self._principal_of(scope, value) or Counted(address_of(scope), is_principal=False)
        return Counted(address_of(scope), is_principal=False)

    async def _principal_of(self, scope: Scope, authorization: bytes) -> Counted | None:
        """Whose token this is; None for one that is not accepted, which the route will say.

        What a token was found to be is kept for a minute: this is for counting alone, and the route decides afresh.
        """
        key, now = hash(authorization), time.monotonic()
        found = self._known.get(key)
        if found is not None and found[1] > now:
            return found[0]
        kind, _, token = authorization.decode("latin-1").partition(" ")
        caller: Counted | None = None
        if kind.lower() == "bearer":
            try:
                identity = await scope["app"].state.verifier.verify(token.strip())
                caller = Counted(str(identity.reference), is_principal=True)
            except ServiceError:
                caller = None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = (caller, now + _KNOWN_FOR)
        return caller
