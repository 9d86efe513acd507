"""Every route asks for a permission, or is on the list of those that are for everybody."""

from importlib import import_module
from typing import Annotated, get_args

import pytest
from fastapi import APIRouter, FastAPI

from deploy.postgres.bootstrap import SERVICES
from services.goals.people.domain import Role
from shared.http.auth import Caller, requires
from shared.http.routes import Operation, operations_of
from shared.settings import ServiceSettings
from tests.architecture.access.public import PUBLIC


def application(service: str) -> FastAPI:
    kind: type[ServiceSettings] = getattr(
        import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings"
    )
    nowhere = {f"{service.upper()}_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "env": "local"}
    app: FastAPI = import_module(f"services.{service}.app").create_app(kind.model_validate(nowhere))
    return app


def open_routes(operations: list[Operation]) -> set[str]:
    return {operation.name for operation in operations if not operation.permissions}


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_asks_for_a_permission_or_is_listed(service: str) -> None:
    operations = operations_of(application(service))

    assert open_routes(operations) == PUBLIC[service]


@pytest.mark.parametrize("service", SERVICES)
def test_every_permission_is_held_by_some_role(service: str) -> None:
    app = application(service)
    asked = {permission for operation in operations_of(app) for permission in operation.permissions}
    held = {permission for permissions in app.state.roles.values() for permission in permissions}

    assert asked <= held


@pytest.mark.parametrize("service", SERVICES)
def test_every_role_with_a_permission_can_be_given(service: str) -> None:
    assert application(service).state.roles.keys() <= set(get_args(Role))


# Whether the request can be read at all, what is merely at hand, and who asks: none of it holds a connection, waits,
# or tells anything of what is here.
HARMLESS = {
    "sound_request",
    "idempotency_key",
    "session_factory",
    "request_time",
    "HTTPBearer",
    "identity_of",
    "visitor_of",
}


@pytest.mark.parametrize("service", SERVICES)
def test_the_permission_is_asked_for_before_anything_else(service: str) -> None:
    too_early = {each.name: each.asked_before - HARMLESS for each in operations_of(application(service))}

    assert {name: early for name, early in too_early.items() if early} == {}


def test_a_route_left_open_is_found() -> None:
    router = APIRouter()

    @router.get("/v1/forgotten")
    async def forgotten() -> str:
        return "for everybody"

    @router.get("/v1/closed")
    async def closed(caller: Annotated[Caller, requires("things:read")]) -> str:
        return caller.actor

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)

    assert open_routes(operations_of(app)) == {"GET /v1/forgotten"}
