"""What could tell who somebody is, put wherever a caller can put text, is in no event, log, error, metric or trace.

What officials publish is no secret and is left out: names of units and indicators, and the reasons of targets.
It runs on the stack that the journeys share: only running processes write the log lines and spans that it reads.
"""

import asyncio
import json
import re
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.demo.answers import SURVEY
from deploy.local.issuer import issuer_directory, sign
from deploy.postgres.bootstrap import SERVICES, url_of
from tests.fixtures.signing_in import Browser
from tests.journeys.running import Journey

PERSON = "Zebedee Quillfeather, zebedee.quillfeather@home.example, +44 7700 900461, QQ 12 34 56 C"
WORD = "quillfeather-7700900461-QQ123456C"
"""The same, where only letters, digits and hyphens fit."""
TRACE = re.compile(r"quillfeather|7700(?: |\+|%20)?900461|qq(?: |\+|%20)?12.{0,3}34.{0,3}56", re.IGNORECASE)
TABLES = ("event_log", "outbox", "dead_letter", "progress", "cursor", "follower", "anchor")
"""All that an event goes through: a broker and the feeds give out what is in event_log."""
HEADERS = {
    **dict.fromkeys(("User-Agent", "traceparent", "Accept-Language", "Idempotency-Key", "Steward-After"), WORD),
    "X-Request-Id": PERSON,
    "Referer": f"https://home.example/{WORD}",
    "Cookie": f"__Host-steward-goals={WORD}",
}
NOT_READ = ("User-Agent", "X-Request-Id", "Referer", "Cookie")
"""Of these headers, what a service may not understand and still does as it is asked."""
PARAMETERS = ("unit", "q", "cursor", "sort", "fields", "limit", "unknown", "next", "login_hint", "state", "code")
Told = dict[str, str]


def found_in(told: Told) -> list[str]:
    """The places that tell who somebody is, with the words around it."""
    return [
        f"{place}: …{text[max(0, at.start() - 100) : at.end() + 20]}…"
        for place, text in told.items()
        for at in [TRACE.search(text)]
        if at
    ]


async def respond(journey: Journey) -> Told:
    """Answer a survey, well and badly, by API, batch and form, with a person in every text; what was answered."""
    async with journey.client("feedback") as client:
        survey = (await client.get(f"/v1/surveys/{SURVEY}")).json()
        questions = survey["questions"]
        good = {each["id"]: PERSON for each in questions if each["kind"] == "text"}
        assert good
        good |= {each["id"]: each["options"][0]["id"] for each in questions if each["kind"] == "single_choice"}
        path = f"/v1/surveys/{SURVEY}/responses"

        def response(**changes: Any) -> dict[str, Any]:
            return {"id": str(uuid4()), "version": survey["version"], "language": "en", "answers": good, **changes}

        everywhere = {each["id"]: PERSON for each in questions}
        bad = [response(answers=everywhere), response(id=PERSON), response(language=WORD), response(name=PERSON)]
        taken = await client.post(path, json=response())
        assert taken.status_code == 201, taken.text
        form = {f"answer.{name}": value for name, value in everywhere.items()}
        sent = [taken, await client.post(f"{path}:batch", json={"items": [response(), *bad]})]
        sent += [await client.post(path, json=each) for each in bad]
        sent += [await client.post(path, content=PERSON, headers={"Content-Type": "application/json"})]
        page = await client.post(f"/surveys/{SURVEY}", data={"id": str(uuid4()), "version": survey["version"], **form})
        assert page.status_code in (303, 422), page.text
    return {f"answer {place} {answer.status_code}": answer.text for place, answer in enumerate(sent)}


async def ask(journey: Journey) -> Told:
    """Put a person into paths, queries, headers, bodies and the claims of a token; what the errors say of it.

    They may tell an official what was sent; what respondents send is not even said back to them.
    """
    told: Told = {}
    token = sign(issuer_directory(journey.stack.directory), "performance_officer", WORD)
    known = {
        "Authorization": f"Bearer {token}",
        "traceparent": traceparent(uuid4().hex),
        **{name: HEADERS[name] for name in NOT_READ},
    }
    paths = [f"/{WORD}", f"/v1/{WORD}", f"/v1/units/{WORD}", f"/scorecards/{WORD}", f"/v1/surveys/{WORD}/versions"]
    lists = ["/v1/units", "/v1/surveys", "/v1/scorecards", "/v1/results.csv", "/scorecards", "/sign-in"]
    requests: list[tuple[str, str, dict[str, Any]]] = [("GET", path, {}) for path in paths]
    requests += [("GET", path, {"params": {name: PERSON}}) for path in lists for name in PARAMETERS]
    requests += [
        ("POST", path, body)
        for path in ("/v1/units", "/v1/measurements", "/v1/surveys", "/v1/principals")
        for body in ({"json": {"code": PERSON, WORD: PERSON}}, {"content": PERSON}, {"json": [PERSON]})
    ]
    for service in SERVICES:
        async with journey.client(service) as client:
            for method, path, options in requests:
                for headers in (HEADERS, known):
                    answer = await client.request(method, path, headers=headers, **options)
                    assert answer.status_code < 500, answer.text
                    if answer.status_code >= 400 and "json" in answer.headers["content-type"]:
                        told[f"error {len(told)} of {service}"] = json.dumps(_without_echo(answer.json()))
    return told


def _without_echo(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem without the places where it tells its sender what was sent."""
    errors = [{"accepted": each.get("accepted")} for each in problem.get("errors", ())]
    return {**problem, "detail": "", "instance": "", "errors": errors}


async def sign_in(journey: Journey) -> None:
    """Sign in at each service under a name that is a person's, and out again."""
    for service in SERVICES:
        async with journey.client(service) as client:
            client.headers["traceparent"] = traceparent(uuid4().hex)
            browser = Browser(client, journey.stack.urls[service])
            assert WORD in (await browser.get(await browser.sign_in(f"auditor@{WORD}", to="/"))).text


async def events(journey: Journey) -> Told:
    """What every service has told, is about to tell, and has set aside, where it says more than it should."""
    told: Told = {}
    for service in SERVICES:
        connection = await asyncpg.connect(url_of(journey.stack.database_url, service))
        try:
            for table in TABLES:
                rows = await connection.fetch(
                    f"select t::text from {service}.{table} as t where t::text ~* $1", "quillfeather|900461|123456C"
                )
                told[f"{table} of {service}"] = "\n".join(row[0] for row in rows)
        finally:
            await connection.close()
    return told


async def metrics(journey: Journey) -> Told:
    """The metrics of every process."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return {
            f"metrics of {name}": (
                await client.get(f"http://127.0.0.1:{journey.stack.ports.metrics(name)}/metrics")
            ).text
            for service in SERVICES
            for name in (service, f"{service}_worker")
        }


def logs(journey: Journey) -> Told:
    """Every log line of every process."""
    return {path.name: path.read_text() for path in (journey.stack.directory / "logs").glob("*.log")}


def traceparent(trace_id: str) -> str:
    """The header of a caller who has the trace kept."""
    return f"00-{trace_id}-b7ad6b7169203331-01"


async def add_unit(journey: Journey, name: str) -> str:
    """Have a unit added; its trace, once every service has applied whatever has been told, and has sent its spans."""
    trace_id = uuid4().hex
    unit = {"code": f"added-{trace_id[:8]}", "name": {"en": name}, "parent": "RF4", "level": "team"}
    async with journey.client("goals", "administrator") as goals:
        added = await goals.post("/v1/units", json=unit, headers={"traceparent": traceparent(trace_id)})
        assert added.status_code == 201, added.text
    async with asyncio.timeout(30):
        while await not_applied(journey):  # noqa: ASYNC110 - other processes, and their databases, set no event here
            await asyncio.sleep(0.1)
        # Whoever has applied it tells of it; what else a process had to tell goes with that or went before.
        while not all(journey.traces.has(trace_id, service) for service in SERVICES):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
    return trace_id


async def not_applied(journey: Journey) -> list[str]:
    """What has been written and not numbered, or numbered and not applied by all who follow."""
    last: dict[str, int] = {}
    applied: list[tuple[str, str, int]] = []
    left = []
    for service in SERVICES:
        connection = await asyncpg.connect(url_of(journey.stack.database_url, service))
        try:
            last[service] = await connection.fetchval(f"select position from {service}.log_head")
            if await connection.fetchval(f"select exists (select from {service}.outbox)"):
                left.append(f"{service} has something to number")
            rows = await connection.fetch(f"select source, position from {service}.progress")
            applied += [(service, row["source"], row["position"]) for row in rows]
        finally:
            await connection.close()
    return left + [f"{who} is at {at} of {whose}" for who, whose, at in applied if at < last[whose]]


async def test_nothing_tells_who_somebody_is(journey: Journey) -> None:
    errors = await respond(journey) | await ask(journey)
    await sign_in(journey)
    await add_unit(journey, "A team of nobody's")

    everything = errors | await events(journey) | await metrics(journey) | logs(journey)
    everything["traces"] = journey.traces.text()

    assert {f"{name}.log" for name in ("goals", "feedback_worker", "postgres")} <= everything.keys()
    assert all(said in everything["traces"] for said in ("GET /v1/units", "GET /sign-in", "apply steward.goals.unit"))
    assert not (found := found_in(everything)), "\n".join(found)


async def test_a_leak_is_found(journey: Journey) -> None:
    await add_unit(journey, PERSON)

    leaks = await events(journey) | {"line": "GET /people/zebedee.quillfeather%40home.example", "form": "7700+900461"}

    assert {each.partition(":")[0] for each in found_in(leaks)} == {"event_log of goals", "line", "form"}
