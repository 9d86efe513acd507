"""One caller may ask so often; another is not kept waiting for it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from deploy.local.issuer import public_keys, settings_for
from shared.http import counting, rates
from shared.http.callers import address_of
from shared.http.counting import InProcess
from shared.http.rates import rates_of
from shared.settings import ServiceSettings
from tests.fixtures.services import ClientFor
from tests.shared.http.conftest import Token
from tests.shared.http.test_problems import problem
from tests.shared.http.tiny import create_tiny


@pytest.fixture
def limited(tiny_database: str, issuer_directory: Path) -> FastAPI:
    """The tiny service that takes three reads, two writes and two posts of the public a day."""
    few = {"reads": "3/day", "writes": "2/day", "public_posts": "2/day"}
    trusted = settings_for((issuer_directory / "address").read_text(), ["writer", "reader"])
    return create_tiny(tiny_database, trusted, public_keys(issuer_directory), rates=few)


@asynccontextmanager
async def calling(app: FastAPI, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that comes from an address."""
    transport = httpx.ASGITransport(app=app, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://steward.test") as client:
        yield client


def limit_of(answer: httpx.Response) -> tuple[str, int]:
    """The class that an answer was counted in, and how much of it is left."""
    told = re.fullmatch(r'"([a-z_]+)";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert told is not None
    assert answer.headers["ratelimit-policy"].startswith(f'"{told[1]}";q=')
    return told[1], int(told[2])


class TestRates:
    async def test_each_answer_says_what_is_left_and_one_too_many_is_refused(self, limited: FastAPI) -> None:
        async with calling(limited, "192.0.2.1") as client:
            left = [limit_of(await client.get("/v1/nowhere")) for _ in range(3)]
            refused = await client.get("/v1/nowhere")

        assert left == [("reads", 2), ("reads", 1), ("reads", 0)]
        body = problem(refused, 429, "too_many_requests")
        assert body["retry"] == "same"
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert limit_of(refused) == ("reads", 0)

    async def test_an_address_that_has_used_its_share_harms_neither_another_nor_who_signs_in_there(
        self, limited: FastAPI, bearer: Token
    ) -> None:
        async with calling(limited, "192.0.2.1") as client, calling(limited, "192.0.2.2") as neighbour:
            for _ in range(4):
                last = await client.get("/v1/nowhere")

            assert last.status_code == 429
            assert limit_of(await neighbour.get("/v1/nowhere")) == ("reads", 2)
            assert limit_of(await client.get("/v1/nowhere", headers=bearer("reader"))) == ("reads", 2)

    async def test_a_principal_is_one_caller_wherever_it_calls_from(self, limited: FastAPI, bearer: Token) -> None:
        async with calling(limited, "192.0.2.1") as here, calling(limited, "192.0.2.2") as there:
            first = await here.post("/v1/answers", json={}, headers=bearer("writer"))
            second = await there.post("/v1/answers", json={}, headers=bearer("writer"))

        assert (limit_of(first), limit_of(second)) == (("writes", 1), ("writes", 0))

    @pytest.mark.parametrize("sent", ["Bearer nonsense", "Bearer a.b.c", "Basic dTpw", "Bearer", "", "Bearer \xff"])
    async def test_a_token_that_is_not_accepted_makes_nobody_a_principal(self, limited: FastAPI, sent: str) -> None:
        headers = {b"Authorization": sent.encode("latin-1")}
        async with calling(limited, "192.0.2.1") as client:
            counted = [limit_of(await client.post("/v1/answers", json={}, headers=headers)) for _ in range(2)]

        assert counted == [("public_posts", 1), ("public_posts", 0)]

    async def test_probes_are_always_answered(self, limited: FastAPI) -> None:
        async with calling(limited, "192.0.2.1") as client:
            answers = [await client.get("/livez") for _ in range(10)]

        assert {answer.status_code for answer in answers} == {200}

    async def test_what_anybody_may_keep_says_nothing_of_one_caller(self, limited: FastAPI) -> None:
        async with calling(limited, "192.0.2.1") as client:
            answer = await client.get("/v1/open")

        assert "ratelimit" not in answer.headers

    async def test_a_browser_is_refused_with_a_page(self, limited: FastAPI) -> None:
        async with calling(limited, "192.0.2.1") as client:
            for _ in range(4):
                answer = await client.get("/nowhere", headers={"Accept": "text/html"})

        assert answer.status_code == 429
        assert answer.headers["content-type"].startswith("text/html")

    async def test_all_limits_can_be_read(self, limited: FastAPI, client_for: ClientFor) -> None:
        async with client_for(limited) as client:
            told = (await client.get("/v1/limits")).json()

        assert told["rates"][0] == {
            "routes": "reads",
            "amount": 3,
            "seconds": 86_400,
            "counted_by": "principal or address",
        }
        assert told["bodies"] == {"single_bytes": 65_536, "batch_bytes": 2_097_152}
        assert told["times"]["head_seconds"] == 5
        assert told["times"]["body_bytes_per_second"] == 1000
        assert (told["streams"]["per_principal"], told["streams"]["per_process"]) == (5, 500)


class TestSettings:
    def settings(self, **given: Any) -> ServiceSettings:
        return ServiceSettings(database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"), **given)

    def test_replicas_that_count_apart_allow_a_part_each(self) -> None:
        assert rates_of(self.settings(rates={"writes": "90/minute"}, replicas=3))["writes"].amount == 30

    def test_replicas_that_count_together_do_not(self) -> None:
        together = self.settings(
            rates={"writes": "90/minute"}, replicas=3, shared_counts=SecretStr("redis://127.0.0.1:1")
        )

        assert rates_of(together)["writes"].amount == 90

    def test_a_class_can_be_left_unlimited(self) -> None:
        assert "reads" not in rates_of(self.settings(rates={"reads": "unlimited"}))

    @pytest.mark.parametrize(
        "wrong", [{"reads": "0/minute"}, {"reads": "many"}, {"reads": "5/week"}, {"rads": "5/day"}]
    )
    def test_a_rate_that_cannot_be_read_keeps_the_service_from_starting(self, wrong: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            self.settings(rates=wrong)


class TestCounting:
    async def test_a_new_window_begins_at_nothing(self) -> None:
        counts = InProcess()

        assert [await counts.add("a", 60, now) for now in (0, 59, 60, 61)] == [1, 2, 1, 2]

    async def test_a_flood_of_callers_takes_no_more_memory_and_locks_nobody_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counting, "_MOST_CALLERS", 3)
        counts = InProcess()

        for number in range(10):
            assert await counts.add(f"caller {number}", 60, 0) == 1

        assert await counts.add("caller 0", 60, 0) == 2
        assert await counts.add("caller 9", 60, 0) == 1

    async def test_tokens_that_were_looked_at_are_forgotten_in_time(
        self, limited: FastAPI, bearer: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rates, "_MOST_KNOWN", 2)
        async with calling(limited, "192.0.2.1") as client:
            for role in ("reader", "writer", "reader"):
                for number in range(3):
                    await client.get("/v1/nowhere", headers={"Authorization": f"Bearer {number}"})
                answer = await client.get("/v1/nowhere", headers=bearer(role))

        assert limit_of(answer) == ("reads", 1)


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_an_address_of_ipv6_is_counted_with_its_household(host: str, counted: str) -> None:
    assert address_of({"type": "http", "client": (host, 1)}) == counted
