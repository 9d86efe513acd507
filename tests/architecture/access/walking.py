"""Asking every route as somebody with the right role for other units, and saying where the answer is wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import httpx
from fastapi import FastAPI

from shared.errors import Forbidden
from shared.http.auth import BodyWideOnly
from shared.http.routes import Operation
from tests.fixtures.services import SignsTokens

Names = Mapping[str, str]
"""A unit as a request can name it, with the things that belong to it: `unit`, `unit_id`, `measurement`, …"""
How = Literal["path", "body", "item", "filter", "list", "same for all", "whole body"]
ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and who may be asked to be let in."""

    app: FastAPI
    client: httpx.AsyncClient
    sign: SignsTokens

    async def call(self, method: str, path: str, token: str | None, **options: Any) -> httpx.Response:
        """One request, as the holder of a token or as nobody."""
        headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        return await self.client.request(method, path, headers=headers, **options)

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
    """How a request reaches a unit."""

    how: How
    path: str
    """With the names of the unit asked for: `/v1/units/{unit}`."""
    body: Callable[[Names], Any] = lambda _: None
    """The body, or the item of a batch, made of the names of the unit asked for."""
    prepare: Callable[[Service, Names, Names], Awaitable[Names]] | None = None
    """Makes what the request needs, given a unit of the caller's and the one asked for; gives more names."""
    version_of: str = ""
    """Where the ETag for If-Match is read, if not at the path itself."""
    whose: Callable[[Any], str] = str
    """The code of the unit that an item of a list belongs to."""


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

    def roles(self, operation: Operation, *, allowed: bool) -> list[str]:
        """The roles that hold, or lack, what an operation asks for."""
        roles = self.service.app.state.roles
        return sorted(role for role, held in roles.items() if (operation.permissions <= held) is allowed)

    async def faults_of(self, operation: Operation, ways: Sequence[Way]) -> list[str]:
        """What is wrong with an operation: open to strangers or to other units, or closed to one's own."""
        faults = []
        for way in ways:
            faults += await self._strangers(operation, way)
            faults += await self._asked(operation, way, self.moving, self.home, inside=True)
            faults += await self._asked(operation, way, self.far, self.home, inside=False, every_role=True)
        return faults

    async def faults_after_the_move(self, operation: Operation, ways: Sequence[Way]) -> list[str]:
        """What is wrong once the moving unit is abroad: it is foreign to those at home, and one's own over there."""
        faults = []
        for way in ways:
            if way.how not in ("same for all", "whole body"):
                faults += await self._asked(operation, way, self.moving, self.home, inside=False)
                faults += await self._asked(operation, way, self.moving, self.abroad, inside=True)
        return faults

    async def _strangers(self, operation: Operation, way: Way) -> list[str]:
        request = await self.request_for(operation, way, self.near, self.moving, "code")
        # Nobody who may not ask is told what has arrived here, or kept waiting for it.
        headers = {**request.pop("headers"), "Steward-After": f"goals/{uuid4()}/1"}
        faults = []
        for role in (None, *self.roles(operation, allowed=False)):
            token = role and self.service.sign(role, self.root)
            answer = await self.service.call(token=token, headers=headers, **request)
            expected = (403, Forbidden.code) if role else (401, "not_signed_in")
            if (answer.status_code, _code(answer)) != expected:
                faults.append(f"{operation.name}: {role or 'nobody'} gets {answer.status_code}, not {expected[0]}")
        return faults

    async def _asked(
        self, operation: Operation, way: Way, asked: Names, region: str, *, inside: bool, every_role: bool = False
    ) -> list[str]:
        """Faults in the answers to those who hold a role for a region, and ask for a unit inside or outside it."""
        faults = []
        roles = self.roles(operation, allowed=True)
        unit = self.root if way.how == "whole body" and inside else region
        asking = [(roles[0], "code"), (roles[0], "id"), *((role, "code") for role in roles[1:] if every_role)]
        for role, naming in asking:
            near = self.near if region == self.home else self.far
            request = await self.request_for(operation, way, near, asked, naming)
            answer = await self.service.call(token=self.service.sign(role, unit), **request)
            if way.how == "list":
                fault = await self._miscounted(answer, request, role, way, asked["code"], inside=inside)
            else:
                fault = _fault(way.how, answer, inside=inside)
            if fault:
                where = "its own" if inside else "a foreign"
                faults.append(f"{operation.name} by {way.how}: {role} of {where} unit gets {fault}")
        return faults

    async def request_for(
        self, operation: Operation, way: Way, near: Names, asked: Names, naming: str
    ) -> dict[str, Any]:
        """A request that reaches a unit in this way, for somebody whose own unit is `near`."""
        if way.prepare is not None:
            asked = {**asked, **await way.prepare(self.service, near, asked)}
        near, asked = _named(near, naming), _named(asked, naming)
        method, path = operation.name.split()[0], way.path.format(**asked)
        request: dict[str, Any] = {"method": method, "path": path, "headers": {}}
        if method == "PATCH" or way.version_of:
            request["headers"] = {"If-Match": await self.service.etag((way.version_of or way.path).format(**asked))}
        body = {"items": [way.body(near), way.body(asked)]} if way.how == "item" else way.body(asked)
        return request if body is None else {**request, "json": body}

    async def _miscounted(
        self, answer: httpx.Response, request: dict[str, Any], role: str, way: Way, code: str, *, inside: bool
    ) -> str | None:
        """Whether a list has all of a unit's things, or any of a foreign one's."""
        if not answer.is_success:
            return str(answer.status_code)
        everything = await self.service.call(token=self.service.sign(role), **request)
        there, shown = (sum(way.whose(item) == code for item in each.json()["items"]) for each in (everything, answer))
        if there == 0 or answer.json().get("next"):
            return f"a list that proves nothing: {there} of {code} are there"
        return None if shown == (there if inside else 0) else f"{shown} of {there} items"


def _named(names: Names, naming: str) -> Names:
    """The names with codes, or with the ids that stand beside them."""
    if naming == "code":
        return names
    return {key: names.get(f"{key}_id", name) for key, name in names.items()}


def _fault(how: How, answer: httpx.Response, *, inside: bool) -> str | None:
    """What the answer is instead of what it should be; None where it is right."""
    status = answer.status_code
    if how == "item":
        statuses = [item["status"] for item in answer.json()["items"]] if status == 207 else [status]
        return None if statuses == [201, 201 if inside else 404] else f"items {statuses}"
    if inside or how == "same for all":
        return None if answer.is_success else f"{status} {_code(answer)}"
    if how == "whole body":
        return None if (status, _code(answer)) == (403, BodyWideOnly.code) else f"{status}, not 403"
    return None if status == 404 else f"{status}, not 404"


def _code(answer: httpx.Response) -> str:
    return str(answer.json().get("code", "")) if "problem" in answer.headers.get("content-type", "") else ""
