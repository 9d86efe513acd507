"""Spans go from a request to the events it causes and on to who handles them, and carry nothing about anybody."""

import subprocess
import sys
from collections.abc import Sequence
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.tracing import TracingSettings, events_span, request_span, tracing
from tests.fixtures.collecting import Collector
from tests.fixtures.services import AppFor, ClientFor, SignsTokens

EVERY = TracingSettings(otel_traces_sampler="parentbased_always_on")
THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = THEIRS[:-2] + "00"
ALLOWED = {
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "db.system",
    "db.statement",
    "steward.event.type",
    "messaging.batch.message_count",
}


def told(spans: Sequence[ReadableSpan]) -> str:
    """Everything that leaves the house."""
    return "\n".join(span.to_json() for span in spans)


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


class TestRequests:
    async def test_a_request_its_statements_and_its_event_share_the_callers_trace(
        self, app_for: AppFor, client_for: ClientFor, token: SignsTokens
    ) -> None:
        app, exporter = await app_for("goals"), InMemorySpanExporter()
        headers = {"Authorization": f"Bearer {token('administrator')}", "traceparent": THEIRS}
        secret = "Miss Marple, 12 High Street"

        with tracing("goals", exporter=exporter, settings=EVERY):
            async with client_for(app) as client:
                await client.get(f"/v1/units?q={secret}", headers=headers)
                await client.get(f"/v1/units/{uuid4()}", headers=headers)

        spans = exporter.get_finished_spans()
        served = [span for span in spans if span.name.startswith("GET ")]
        assert {span.name for span in served} == {"GET /v1/units", "GET /v1/units/{key}"}
        assert {trace_of(span) for span in spans} == {THEIRS.split("-")[1]}
        assert any(span.name == "SELECT" and span.parent for span in spans)
        assert {key for span in spans for key in span.attributes or ()} <= ALLOWED
        assert not any(span.events for span in spans)
        assert "Marple" not in told(spans)
        assert token("administrator")[:40] not in told(spans)

    async def test_what_the_public_asks_for_is_not_traced(self, app_for: AppFor, client_for: ClientFor) -> None:
        app, exporter = await app_for("reporting"), InMemorySpanExporter()

        with tracing("reporting", exporter=exporter, settings=EVERY):
            async with client_for(app) as client:
                await client.get("/livez", headers={"traceparent": THEIRS})

        assert exporter.get_finished_spans() == ()

    async def test_a_statement_that_fails_is_told_without_its_values(self, app_for: AppFor) -> None:
        app, exporter = await app_for("goals"), InMemorySpanExporter()

        with tracing("goals", exporter=exporter, settings=EVERY), events_span("x", [THEIRS]):
            async with app.state.engine.connect() as connection:
                with pytest.raises(DBAPIError):
                    await connection.execute(
                        text("select cast(cast(:words as text) as int)"), {"words": "treated badly"}
                    )

        spans = exporter.get_finished_spans()
        assert "SELECT" in {span.name for span in spans}
        assert "treated badly" not in told(spans)

    @pytest.mark.parametrize(("received", "sent"), [(THEIRS, 1), (UNSAMPLED, 0)])
    def test_whether_a_trace_is_kept_is_the_decision_of_who_began_it(self, received: str, sent: int) -> None:
        exporter = InMemorySpanExporter()
        scope = {"method": "GET", "headers": [(b"authorization", b"Bearer x"), (b"traceparent", received.encode())]}

        with tracing("goals", exporter=exporter), request_span(scope, "ours") as span:
            assert span.traceparent.split("-")[1] == received.split("-")[1]

        assert len(exporter.get_finished_spans()) == sent


class TestConsumers:
    def test_an_event_is_handled_in_the_trace_that_caused_it_and_linked_to_it(self) -> None:
        exporter = InMemorySpanExporter()

        with tracing("reporting", exporter=exporter, settings=EVERY), events_span("x", [THEIRS, THEIRS]) as traceparent:
            assert traceparent is not None
            assert traceparent.split("-")[1] == THEIRS.split("-")[1]
            assert traceparent != THEIRS

        (span,) = exporter.get_finished_spans()
        assert [f"{link.context.span_id:016x}" for link in span.links] == [THEIRS.split("-")[2]]

    def test_events_of_several_traces_are_linked_and_belong_to_none_of_them(self) -> None:
        other = THEIRS.replace("0af7", "0bf7")
        exporter = InMemorySpanExporter()

        with tracing("reporting", exporter=exporter, settings=EVERY), events_span("x", [THEIRS, other]):
            pass

        (span,) = exporter.get_finished_spans()
        assert {f"{link.context.trace_id:032x}" for link in span.links} == {
            each.split("-")[1] for each in (THEIRS, other)
        }
        assert trace_of(span) not in {each.split("-")[1] for each in (THEIRS, other)}

    @pytest.mark.parametrize(("causes", "given"), [([THEIRS], THEIRS), ([THEIRS, None], None), ([None], None)])
    def test_without_tracing_the_cause_is_handed_on_as_it_came(
        self, causes: list[str | None], given: str | None
    ) -> None:
        with events_span("x", causes) as traceparent:
            assert traceparent == given


class TestSwitching:
    def test_while_it_is_off_nothing_of_it_is_imported(self) -> None:
        looks = (
            "import sys\n"
            "from deploy.cli.openapi import application_of\n"
            "from shared.tracing import tracing, request_span\n"
            "application_of('goals')\n"
            "with tracing('goals'), request_span({'method': 'GET', 'headers': [(b'cookie', b'x')]}, 'ours'): pass\n"
            # FastAPI looks by itself whether the bare API is there.
            "ours = ('opentelemetry.sdk', 'opentelemetry.exporter')\n"
            "print([each for each in sys.modules if each.startswith(ours)])\n"
        )

        outcome = subprocess.run([sys.executable, "-c", looks], capture_output=True, text=True, check=False)

        assert outcome.stdout == "[]\n", outcome.stderr

    def test_a_variable_turns_it_on_and_those_of_opentelemetry_say_where_to(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Collector() as collector:
            for name, value in collector.environment.items():
                monkeypatch.setenv(name, value)
            with tracing("goals"), events_span("x", [THEIRS]):
                pass

            assert collector.has(THEIRS.split("-")[1], "goals")
