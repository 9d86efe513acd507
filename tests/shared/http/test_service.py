"""What every service serves besides its own: health, documentation, headers, and the list of its operations."""

import html
import json
import re
from collections.abc import Awaitable, Callable, Sequence

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from shared.errors import ServiceError
from shared.http import routes
from shared.http.app import create_service
from shared.http.docs import catalogue
from shared.http.problems import STATUS, all_errors
from shared.http.routes import operations_of
from shared.readiness import newest_migration
from shared.settings import ServiceSettings
from tests.fixtures.databases import Database
from tests.fixtures.services import ClientFor
from tests.shared.http.conftest import Token
from tests.shared.http.test_problems import problem
from tests.shared.http.tiny import Reader


def goals_at(url: str) -> FastAPI:
    """A service without routes of its own that stands on the schema of goals."""
    settings = ServiceSettings(database_url=SecretStr(url), env="local")
    return create_service(
        name="goals", title="G", description="D", settings=settings, schema="goals", roles={}, routers=[]
    )


class TestHealth:
    async def test_it_is_ready_on_a_schema_as_new_as_its_code(
        self, database: Callable[[str], Awaitable[Database]], client_for: ClientFor
    ) -> None:
        goals = await database("goals")
        async with client_for(goals_at(goals.url)) as client:
            assert (await client.get("/readyz")).status_code == 200

    async def test_it_is_not_ready_on_an_older_schema(
        self, database: Callable[[str], Awaitable[Database]], client_for: ClientFor
    ) -> None:
        app = goals_at((await database("goals")).admin_url)
        async with client_for(app) as client:
            async with app.state.engine.begin() as connection:
                await connection.execute(text("update goals.alembic_version set version_num = '0000'"))

            answer = await client.get("/readyz")

        assert newest_migration("goals") in problem(answer, 503, "not_ready")["detail"]

    async def test_without_a_database_it_lives_but_is_not_ready(self, client_for: ClientFor) -> None:
        async with client_for(goals_at("postgresql://nobody@127.0.0.1:1/none")) as client:
            assert (await client.get("/livez")).json() == {"status": "ok"}
            problem(await client.get("/readyz"), 503, "not_ready")

    async def test_a_service_starts_and_stops_with_its_own_lifespan_inside(
        self, tiny: FastAPI, client_for: ClientFor
    ) -> None:
        async with client_for(tiny) as client:
            await client.get("/livez")
            assert tiny.state.events == ["started"]

        assert tiny.state.events == ["started", "stopped"]


class TestHeaders:
    async def test_answers_are_private_unless_a_route_says_otherwise(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/v1/late")).headers["cache-control"] == "private, no-store"
        public = await client.get("/v1/open")
        assert public.headers["cache-control"] == "public, max-age=60"
        assert public.headers["vary"] == "Accept, Accept-Language, Origin"

    @pytest.mark.parametrize("path", ["/", "/livez", "/v1/open", "/docs", "/static/docs/swagger-ui.css", "/v1/nowhere"])
    async def test_a_head_says_what_a_get_would_without_its_body(self, client: httpx.AsyncClient, path: str) -> None:
        whole, head = await client.get(path), await client.head(path)

        assert (head.status_code, head.content) == (whole.status_code, b"")
        differing = {"x-request-id", "date", "content-length", "ratelimit"}
        assert head.headers.keys() == whole.headers.keys()
        assert {name for name in head.headers if head.headers[name] != whole.headers[name]} <= differing

    @pytest.mark.parametrize("sent", ["abc-17", "x" * 64])
    async def test_a_safe_request_id_is_kept(self, client: httpx.AsyncClient, sent: str) -> None:
        assert (await client.get("/livez", headers={"X-Request-Id": sent})).headers["x-request-id"] == sent

    @pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\tb", '"}'])
    async def test_any_other_is_replaced(self, client: httpx.AsyncClient, sent: str) -> None:
        made = (await client.get("/livez", headers={"X-Request-Id": sent})).headers["x-request-id"]

        assert re.fullmatch(r"[0-9a-f]{32}", made)

    @pytest.mark.parametrize("path", ["/livez", "/docs", "/v1/nowhere", "/v1/boom", "/static/docs/swagger-ui.css"])
    async def test_no_answer_is_sniffed_or_framed(self, client: httpx.AsyncClient, path: str) -> None:
        headers = (await client.get(path)).headers

        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


class TestMetrics:
    async def test_a_request_is_counted_under_its_route_and_not_its_address(
        self, client: httpx.AsyncClient, bearer: Token
    ) -> None:
        labels = {"service": "tiny", "method": "PATCH", "route": "/v1/things/{code}", "status": "404"}
        before = REGISTRY.get_sample_value("steward_request_seconds_count", labels) or 0

        for code in ("a", "b"):
            headers = bearer("writer") | {"If-Match": '"1"'}
            problem(await client.patch(f"/v1/things/{code}", json={}, headers=headers), 404, "not_found")

        assert REGISTRY.get_sample_value("steward_request_seconds_count", labels) == before + 2


class TestDocumentation:
    async def test_the_documentation_loads_nothing_from_elsewhere(self, client: httpx.AsyncClient) -> None:
        page = (await client.get("/docs")).text

        assert "http://" not in page
        assert "https://" not in page
        for address in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert (await client.get(address)).status_code == 200, address

    async def test_the_start_page_links_documentation_and_description(self, client: httpx.AsyncClient) -> None:
        page = (await client.get("/")).text

        for address in re.findall(r'href="([^"]+)"', page):
            assert (await client.get(address)).status_code == 200, address
        assert 'href="/docs"' in page
        assert 'href="/openapi.json"' in page

    async def test_each_problem_has_its_page(self, client: httpx.AsyncClient) -> None:
        for code, error in catalogue().items():
            page = await client.get(f"/problems/{code}")
            assert page.status_code == 200, code
            assert error.title in html.unescape(page.text)
        problem(await client.get("/problems/never_heard_of"), 404, "no_such_path")

    def test_no_two_problems_share_a_code_and_each_kind_has_a_status(self) -> None:
        errors: list[type[ServiceError]] = list(all_errors())
        # Other tests of the same run may have loaded the services, each of which has codes of its own.
        ours = [error for error in errors if not error.__module__.startswith("services.")]

        assert len({error.code for error in ours}) == len(ours)
        assert {error.kind for error in errors} <= set(STATUS)

    async def test_every_operation_is_described_with_its_errors(self, tiny: FastAPI, client: httpx.AsyncClient) -> None:
        described = (await client.get("/openapi.json")).json()

        operation = described["paths"]["/v1/things"]["post"]
        assert operation["operationId"] == "make_thing"
        assert operation["security"] == [{"HTTPBearer": []}]
        assert {"201", "400", "401", "403", "413", "415", "422", "503"} <= set(operation["responses"])
        assert {"$ref": "#/components/parameters/Idempotency-Key"} in operation["parameters"]
        change = described["paths"]["/v1/things/{code}"]["patch"]["responses"]
        assert {"404", "412", "428"} <= set(change)
        assert "Problem" in described["components"]["schemas"]
        assert "HTTPValidationError" not in json.dumps(described)

    async def test_every_reference_in_the_description_leads_somewhere(self, client: httpx.AsyncClient) -> None:
        described = (await client.get("/openapi.json")).json()

        for kind, name in set(re.findall(r"#/components/(\w+)/([^\"]+)", json.dumps(described))):
            assert name in described["components"][kind]


class TestOperations:
    def test_each_is_listed_with_the_permissions_it_asks_for(self, tiny: FastAPI) -> None:
        listed = {operation.name: operation.permissions for operation in operations_of(tiny)}

        assert listed["POST /v1/things"] == {"things:write"}
        assert listed["GET /v1/things"] == {"things:read"}
        assert listed["POST /v1/answers"] == set()
        assert listed["GET /livez"] == set()
        assert listed["GET /openapi.json"] == set()

    def test_a_mounted_application_is_not_overlooked(self) -> None:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.mount("/files", StaticFiles(directory="shared"))
        app.mount("/hidden", FastAPI())

        assert [each.name for each in operations_of(app)] == ["* /hidden"]

    def test_a_permission_of_a_whole_router_counts(self) -> None:
        inner = APIRouter()

        @inner.get("/v1/deep")
        async def deep(caller: Reader) -> str:
            return ""

        outer = APIRouter()
        outer.include_router(inner, prefix="/nested")
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(outer)

        assert [(each.name, set(each.permissions)) for each in operations_of(app)] == [
            ("GET /nested/v1/deep", {"things:read"})
        ]

    def test_a_walk_that_misses_a_route_is_found_out(self, tiny: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
        def short_sighted(found: Sequence[BaseRoute]) -> list[RouteContext]:
            return [context for context in iter_route_contexts(found) if context.path != "/v1/things"]

        monkeypatch.setattr(routes, "iter_route_contexts", short_sighted)

        with pytest.raises(RuntimeError, match="OpenAPI has"):
            operations_of(tiny)
