"""Asking every route as every role for its own units and for others, and saying where the answer is not as written."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from fastapi import FastAPI

from shared.clock import current_time
from shared.http.sign_in.provider import Tokens
from shared.http.sign_in.secrets import csrf_token
from shared.http.sign_in.sessions import open_session
from shared.http.sign_in.visitors import CSRF_FIELD
from tests.architecture.access.matrix import NOBODY, Matrix, Row
from tests.fixtures.services import SignsTokens

Names = Mapping[str, str]
"""A unit as a request can name it, with the things that belong to it: `unit`, `unit_id`, `measurement`, …"""
ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and who may be asked to be let in."""

    app: FastAPI
    client: httpx.AsyncClient
    sign: SignsTokens

    async def call(self, method: str, path: str, token: str | None, **options: Any) -> httpx.Response:
        """One request, as the holder of a token, or of a session where it is a page, or as nobody."""
        headers = options.pop("headers", {})
        if token and path.startswith("/v1/"):
            headers = {**headers, "Authorization": f"Bearer {token}"}
        elif token:
            secret = await self.session_of(token)
            headers = {**headers, "Cookie": f"__Host-steward-{self.app.state.name}={secret}"}
            if method == "POST":
                headers["Origin"] = self.app.state.provider.origin
                options["data"] = {**(options.pop("data", None) or {}), CSRF_FIELD: csrf_token(secret)}
        return await self.client.request(method, path, headers=headers, **options)

    async def session_of(self, token: str) -> str:
        """The secret of a new session of whoever holds a token, as signing in would open it."""
        identity, now = await self.app.state.verifier.verify(token), current_time()
        tokens = Tokens(token, "", "", now + timedelta(hours=1))
        return await open_session(self.app.state.sessions, identity, None, tokens, instead_of=None, now=now)

    async def make(self, path: str, body: Any = None) -> Any:
        """What an administrator of the whole body makes."""
        answer = await self.call("POST", path, self.sign(ADMINISTRATOR), json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def etag(self, path: str) -> str:
        """The version of something as it is now: a request that names it can fail only for who sends it."""
        answer = await self.call("GET", path, self.sign(ADMINISTRATOR))
        assert answer.is_success, answer.text
        return str(answer.headers["etag"])


@dataclass(frozen=True, slots=True)
class Way:
    """How a request reaches a unit; its name is one of the column `way`."""

    how: str
    path: str
    """With the names of the unit asked for: `/v1/units/{unit}`."""
    body: Callable[[Names], Any] = lambda _: None
    """The body, or the item of a batch, made of the names of the unit asked for."""
    prepare: Callable[["Service", Names, Names], Awaitable[Names]] | None = None
    """Makes what the request needs, given a unit of the caller's and the one asked for; gives more names."""
    version_of: str = ""
    """Where the ETag for If-Match is read, if not at the path itself."""
    whose: Callable[[Any], str] = str
    """The code of the unit that an item of a list belongs to."""
    shows: str = ""
    """The text that an answer holds where what belongs to the unit is shown, unless the items of a list say so."""
    form: bool = False
    """Whether the body is sent as a browser sends a form."""


Cases = Mapping[str, Sequence[Way]]
"""Every way to reach a unit, by route."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A service in a body of two regions, and whom to ask for."""

    service: Service
    root: str
    home: str
    """The region that the caller's role is for."""
    abroad: str
    near: Names
    """A unit at home that stays there."""
    moving: Names
    """A unit at home that `move` takes to another region."""
    far: Names
    move: Callable[[str], Awaitable[None]]

    def asking(self, row: Row) -> list[str]:
        """The roles of a row that are asked for: of those that mean nothing here, which are all alike, the first."""
        known = {NOBODY, *self.service.app.state.roles}
        return sorted(row.roles & known) + sorted(row.roles - known)[:1]

    async def faults_of(self, route: str, ways: Sequence[Way], matrix: Matrix) -> list[str]:
        """Where the answers are not as the matrix has them, before anything moves."""
        faults = []
        for way, row, role in self._asked(route, ways, matrix):
            if row.same_everywhere:
                unit = self.home if way.how == "same for all" else self.root
                faults += await self._wrong(route, way, role, unit, self.moving, row.own, "any")
            elif way.how == "whole body":
                faults += await self._wrong(route, way, role, self.root, self.moving, row.own, "the root")
                faults += await self._wrong(route, way, role, self.home, self.moving, row.foreign, "one region")
            else:
                faults += await self._wrong(route, way, role, self.home, self.moving, row.own, "its own unit")
                faults += await self._wrong(route, way, role, self.home, self.far, row.foreign, "a foreign unit")
        return faults

    async def faults_after_the_move(self, route: str, ways: Sequence[Way], matrix: Matrix) -> list[str]:
        """What is wrong once the moving unit is abroad: it is foreign to those at home, and one's own over there."""
        faults = []
        for way, row, role in self._asked(route, ways, matrix):
            if row.moved not in ("-", row.own):
                faults += await self._wrong(route, way, role, self.home, self.moving, row.moved, "a unit gone")
                faults += await self._wrong(route, way, role, self.abroad, self.moving, row.own, "a unit come")
        return faults

    def _asked(self, route: str, ways: Sequence[Way], matrix: Matrix) -> Iterator[tuple[Way, Row, str]]:
        for way in ways:
            for row in matrix[route, way.how]:
                yield from ((way, row, role) for role in self.asking(row))

    async def _wrong(
        self, route: str, way: Way, role: str, unit: str, asked: Names, expected: str, which: str
    ) -> list[str]:
        """The answers to one role that are not what is expected; asked by code, and by id where that is no waste."""
        faults = []
        refused = expected in ("401", "403") or (expected == "303" and role == NOBODY)
        once = refused or way.how in ("whole body", "same for all", "public") or not way.path.startswith("/v1/")
        for naming in ("code",) if once else ("code", "id"):
            token = None if role == NOBODY else self.service.sign(role, unit)
            near = self.far if unit == self.abroad else self.near
            request = await self.request_for(route, way, near, asked, naming)
            if refused:  # nobody who may not ask is told what has arrived here, or kept waiting for it
                request["headers"]["Steward-After"] = f"goals/{uuid4()}/1"
            answer = await self.service.call(token=token, **request)
            got = await self._got(way, answer, request, asked["code"], expected)
            if got != expected:
                faults.append(f"{route} by {way.how}: {role} for {which} gets {got}, not {expected}")
        return faults

    async def request_for(self, route: str, way: Way, near: Names, asked: Names, naming: str) -> dict[str, Any]:
        """A request that reaches a unit in this way, for somebody whose own unit is `near`."""
        if way.prepare is not None:
            asked = {**asked, **await way.prepare(self.service, near, asked)}
        near, asked = _named(near, naming), _named(asked, naming)
        method, path = route.split()[0], way.path.format(**asked)
        if way.how == "cursor":
            path = await self._behind(path, way, asked["code"])
        request: dict[str, Any] = {"method": method, "path": path, "headers": {}}
        if method == "PATCH" or way.version_of:
            request["headers"]["If-Match"] = await self.service.etag((way.version_of or way.path).format(**asked))
        body = {"items": [way.body(near), way.body(asked)]} if way.how == "item" else way.body(asked)
        return request if body is None else {**request, "data" if way.form else "json": body}

    async def _behind(self, path: str, way: Way, code: str) -> str:
        """The address of the page that begins with the last thing of a unit, as an administrator's walk comes there."""
        everything = (await self.service.call("GET", path, self.service.sign(ADMINISTRATOR))).json()["items"]
        last = max(place for place, item in enumerate(everything) if way.whose(item) == code)
        assert last > 0, "the first of a list is behind no cursor"
        short = path.replace("limit=200", f"limit={last}")
        page = (await self.service.call("GET", short, self.service.sign(ADMINISTRATOR))).json()
        return f"{path}&cursor={quote(page['next'])}"

    async def _got(self, way: Way, answer: httpx.Response, request: dict[str, Any], code: str, expected: str) -> str:
        """The answer, in the words of the matrix."""
        if way.how == "item":
            return str(answer.json()["items"][1]["status"] if answer.status_code == 207 else answer.status_code)
        if expected not in ("shown", "hidden") or answer.status_code not in (200, 404):
            return str(answer.status_code)
        if way.shows:
            return "shown" if way.shows.format(code=code) in answer.text else "hidden"
        if answer.status_code == 404:
            return "hidden"
        # A list has all of a unit's things, or none.
        everything = await self.service.call(token=self.service.sign(ADMINISTRATOR), **request)
        there, shown = (sum(way.whose(item) == code for item in each.json()["items"]) for each in (everything, answer))
        if there == 0 or answer.json().get("next"):
            return f"a list that proves nothing: {there} of {code} are there"
        return "shown" if shown == there else "hidden" if shown == 0 else f"{shown} of {there} items"


def with_cursors(cases: Cases) -> Cases:
    """The cases, with the cursor of each list as one more way."""
    return {
        route: [*ways, *(replace(way, how="cursor") for way in ways if way.how == "list" and "limit=200" in way.path)]
        for route, ways in cases.items()
    }


def _named(names: Names, naming: str) -> Names:
    """The names with codes, or with the ids that stand beside them."""
    if naming == "code":
        return names
    return {key: names.get(f"{key}_id", name) for key, name in names.items()}
