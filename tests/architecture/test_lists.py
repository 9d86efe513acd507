"""What every list says beside its items, and where everything that can be found out about a service is found."""

import re
from collections.abc import Iterator, Mapping

import pytest

from deploy.postgres.bootstrap import SERVICES
from shared.http.pages import FOLLOW
from tests.architecture.access.walking import ADMINISTRATOR, Walk
from tests.architecture.test_routes import application

CURSOR = re.compile(r"log=[0-9a-f-]{36}&after=[0-9]+&hash=[0-9a-f]{64}")
FOLLOWS = "auditor"
LISTS = [
    (service, path)
    for service in SERVICES
    for path, operations in application(service).openapi()["paths"].items()
    if "cursor" in str(operations.get("get", {}).get("parameters"))
]


@pytest.fixture
def following(service: str, walks: Mapping[str, Walk]) -> Iterator[None]:
    """While it lasts, auditors are followers too, and read all that an administrator does."""
    state = walks[service].service.app.state
    roles = state.roles
    state.roles = {**roles, FOLLOWS: roles[ADMINISTRATOR] | {FOLLOW}}
    yield
    state.roles = roles


def test_every_service_has_lists() -> None:
    assert {service for service, _ in LISTS} == {*SERVICES}


@pytest.mark.parametrize(("service", "path"), LISTS)
class TestWhereToFollow:
    def test_the_document_says_that_it_is_told(self, service: str, path: str) -> None:
        document = application(service).openapi()

        assert "Steward-Cursor" in document["paths"][path]["get"]["responses"]["200"]["headers"]

    async def test_a_follower_of_the_whole_body_is_told_and_nobody_else(
        self, service: str, path: str, walks: Mapping[str, Walk], following: None
    ) -> None:
        walk = walks[service]

        async def told(role: str, unit: str | None = None) -> str | None:
            token = walk.service.sign(role, unit)
            answer = await walk.service.call("GET", path.format(key=walk.near.get("survey")), token)
            assert answer.status_code == 200, answer.text
            found: str | None = answer.headers.get("Steward-Cursor")
            return found

        assert CURSOR.fullmatch(await told(FOLLOWS) or "")
        assert CURSOR.fullmatch(await told(FOLLOWS, walk.root) or "")
        # The feed is not for them, and how far it has come tells of units that are not theirs.
        assert await told(FOLLOWS, walk.home) is None
        assert await told(ADMINISTRATOR) is None


@pytest.mark.parametrize("service", SERVICES)
class TestCatalogue:
    async def test_each_link_answers_as_what_it_says(self, service: str, walks: Mapping[str, Walk]) -> None:
        client = walks[service].service.client

        catalogue = await client.get("/.well-known/api-catalog")
        (links,) = catalogue.json()["linkset"]
        anchor = links.pop("anchor")
        found = {
            (relation, each["href"]): (await client.get(each["href"], headers={"Accept": each["type"]}), each["type"])
            for relation, targets in links.items()
            for each in targets
        }

        assert catalogue.headers["content-type"].startswith("application/linkset+json")
        assert {answer.status_code for answer, _ in found.values()} == {200}
        for place, (answer, type_) in found.items():
            assert answer.headers["content-type"].partition(";")[0] in (type_, "application/json"), place
        assert {relation for relation, _ in found} == {"service-desc", "service-doc", "status"}
        paths = found["service-desc", "/openapi.json"][0].json()["paths"]
        assert any(path.startswith(f"{anchor}/") for path in paths)
        assert "asyncapi" in found["service-desc", "/asyncapi.json"][0].json()

    async def test_the_first_page_leads_to_it(self, service: str, walks: Mapping[str, Walk]) -> None:
        answer = await walks[service].service.client.get("/")

        assert answer.links["api-catalog"]["url"] == "/.well-known/api-catalog"
