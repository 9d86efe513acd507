"""Who calls, and in which units they may do it: a permission in the signature, a scope for the query."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.errors import Forbidden, ServiceError

log = structlog.get_logger()

RolePermissions = Mapping[str, frozenset[str]]
"""Which permissions each role holds in one service; declared in its permissions.py."""


@dataclass(frozen=True, slots=True)
class UnitScope:
    """The units a caller may touch: everywhere, or the subtrees below the units with these codes."""

    everywhere: bool = False
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for one unit and those below it; None is the root."""

    role: str
    unit: str | None = None


PrincipalKind = Literal["person", "system"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says: a reference that names nobody, and the roles it carries.

    Issuer and subject are who that is at the issuer. They are for goals to keep, and for no event and no log.
    """

    reference: UUID
    grants: tuple[Grant, ...] = ()
    issuer: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    kind: PrincipalKind = "person"


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a service holds about a principal beside its token: whether it is blocked, and the roles it was given."""

    blocked: bool = False
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """An identity that holds the permission a route asks for, with the units it holds it for."""

    reference: UUID
    scope: UnitScope

    @property
    def actor(self) -> str:
        """How events name the caller."""
        return str(self.reference)


class NotSignedIn(ServiceError):
    """The request carries no token that this service accepts."""

    kind = "not-signed-in"
    code = "not_signed_in"
    title = "Sign in first"
    retry = "after_login"


class BodyWideOnly(Forbidden):
    """The caller's role is for a part of the body, and this holds for all of it."""

    code = "body_wide_only"
    title = "Only for the whole body"


class TokenRefused(NotSignedIn):
    """The token is not one that this service accepts; the detail says which of its claims is the reason."""

    code: ClassVar[str] = "token_refused"
    title: ClassVar[str] = "The token is not accepted"


class Blocked(Forbidden):
    """The principal is blocked: no token of its opens anything until an administrator unblocks it."""

    code: ClassVar[str] = "principal_blocked"
    title: ClassVar[str] = "Blocked"


bearer = HTTPBearer(auto_error=False, description="An access token of a configured issuer")


async def identity_of(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Identity:
    """The identity behind the request's token, verified once for a request."""
    known: Identity | None = request.scope.get("identity")
    if known is not None:
        return known
    if credentials is None:
        raise NotSignedIn("This needs an access token: send it as «Authorization: Bearer …».")
    try:
        identity: Identity = await request.app.state.verifier.verify(credentials.credentials)
    except TokenRefused as refused:
        log.warning("token_refused", reason=refused.detail)
        raise
    request.scope["identity"] = identity = await admitted(request, identity)
    return identity


async def admitted(request: Request, identity: Identity) -> Identity:
    """The identity with the roles it was given here beside those of its token; raises Blocked for a blocked one."""
    assigned: Assigned = await request.app.state.assigned.of(identity)
    if assigned.blocked:
        log.warning("access_refused", code=Blocked.code, principal=str(identity.reference))
        raise Blocked("An administrator has blocked this principal.")
    return replace(identity, grants=tuple(dict.fromkeys(identity.grants + assigned.grants)))


def scope_for(identity: Identity, permission: str, roles: RolePermissions) -> UnitScope | None:
    """The units in which an identity holds a permission, or None where it holds it nowhere."""
    granted = [grant for grant in identity.grants if permission in roles.get(grant.role, frozenset())]
    if not granted:
        return None
    if any(grant.unit is None for grant in granted):
        return UnitScope(everywhere=True)
    return UnitScope(codes=frozenset(grant.unit for grant in granted if grant.unit is not None))


def require_whole_body(scope: UnitScope, body: str) -> None:
    """Refuse a caller whose role is for some units only, where what is asked for belongs to no unit, or to all."""
    if not _is_of_whole_body(scope, body):
        raise BodyWideOnly("This is for those whose role is for the whole body: it belongs to no single unit.")


def _is_of_whole_body(scope: UnitScope, body: str) -> bool:
    return scope.everywhere or body in scope.codes


class Permitted:
    """The dependency that asks for one permission; tests read `permission` off it."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self, request: Request, identity: Annotated[Identity, Depends(identity_of)]) -> Caller:
        scope = scope_for(identity, self.permission, request.app.state.roles)
        if scope is None:
            log.warning(
                "access_refused",
                code=Forbidden.code,
                permission=self.permission,
                principal=str(identity.reference),
            )
            raise Forbidden(f"This needs the permission «{self.permission}», which none of your roles holds.")
        return Caller(identity.reference, scope)


def requires(permission: str) -> Any:
    """`Annotated[Caller, requires("measurements:record")]`: the caller, if it holds the permission somewhere."""
    return Depends(Permitted(permission))


class Offered:
    """The dependency of a public route that shows more to those who hold a permission: their units, None for others."""

    def __init__(self, permission: str, *, whole_body: bool = False) -> None:
        self.permission, self._whole_body = permission, whole_body

    async def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> UnitScope | None:
        if credentials is None:
            return None
        identity = await identity_of(request, credentials)
        scope = scope_for(identity, self.permission, request.app.state.roles)
        if self._whole_body and scope and not _is_of_whole_body(scope, request.app.state.settings.body):
            return None
        return scope


def offers(permission: str, *, whole_body: bool = False) -> Any:
    """`Annotated[UnitScope | None, offers("results:read")]`: the units a caller holds it for; None for the public.

    With `whole_body` it is None too for those who hold it for some units only.
    """
    return Depends(Offered(permission, whole_body=whole_body))
