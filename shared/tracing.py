"""Spans for OpenTelemetry. Off unless STEWARD_OTEL_EXPORTER says otherwise, and then its SDK is not even imported.

What a span carries is written here by name: method, declared route, status, event type and the text of a statement.
No address, no header, no query, no parameter of a statement and no text of an error, since these may name somebody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic_settings import BaseSettings
from starlette.types import Scope

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from sqlalchemy.engine import ExceptionContext

MOST_LINKS = 32
SAMPLED = 0.05
"""Of the traces that begin here, where OTEL_TRACES_SAMPLER says nothing else; others' decisions are kept."""


class TracingSettings(BaseSettings):
    """Whether spans are sent. Where to, and how many, is read by OpenTelemetry itself from OTEL_…"""

    steward_otel_exporter: Literal["none", "otlp"] = "none"
    otel_traces_sampler: str | None = None


@dataclass(slots=True)
class RequestSpan:
    """The span of a request, or what stands for it: whose child the work of the request is, and how it ended."""

    traceparent: str
    route: str = ""
    status: int = 0


class _Spans:
    """What makes the spans of one process, and sends them."""

    def __init__(self, service: str, exporter: SpanExporter | None, settings: TracingSettings) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from sqlalchemy import Engine, event

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        sampler = None if settings.otel_traces_sampler else ParentBased(TraceIdRatioBased(SAMPLED))
        resource = Resource.create({"service.name": f"steward-{service}"})
        self._provider = TracerProvider(sampler=sampler, resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self._provider.get_tracer("steward")
        self._hooks = (
            ("before_cursor_execute", self._before),
            ("after_cursor_execute", self._after),
            ("handle_error", self._failed),
        )
        for name, hook in self._hooks:
            event.listen(Engine, name, hook)

    def close(self) -> None:
        """Send what is left, and let go of the database's driver."""
        from sqlalchemy import Engine, event

        for name, hook in self._hooks:
            event.remove(Engine, name, hook)
        self._provider.shutdown()

    def _before(self, _: Any, __: Any, statement: str, ___: Any, context: Any, ____: Any) -> None:
        from opentelemetry.trace import SpanKind, get_current_span

        if context is not None and get_current_span().is_recording():
            attributes = {"db.system": "postgresql", "db.statement": statement}
            name = statement.split(maxsplit=1)[0].upper()
            context.steward_span = self.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def _after(self, _: Any, __: Any, ___: str, ____: Any, context: Any, _____: Any) -> None:
        if span := getattr(context, "steward_span", None):
            span.end()

    def _failed(self, failure: ExceptionContext) -> None:
        from opentelemetry.trace import StatusCode

        if span := getattr(failure.execution_context, "steward_span", None):
            span.set_status(StatusCode.ERROR)
            span.end()


_spans: _Spans | None = None


@contextmanager
def tracing(
    service: str, *, exporter: SpanExporter | None = None, settings: TracingSettings | None = None
) -> Iterator[None]:
    """Send spans while the block runs, where the settings say so or an exporter is given."""
    global _spans
    settings = settings or TracingSettings()
    if exporter is None and settings.steward_otel_exporter == "none":
        yield
        return
    _spans = made = _Spans(service, exporter, settings)
    try:
        yield
    finally:
        _spans = None
        made.close()


@contextmanager
def request_span(scope: Scope, traceparent: str) -> Iterator[RequestSpan]:
    """A span around a request of somebody who shows a token or a cookie; what the public asks for is not traced."""
    request = RequestSpan(traceparent)
    headers = dict(scope["headers"]) if _spans else {}
    if _spans is None or not headers.keys() & {b"authorization", b"cookie"}:
        yield request
        return
    from opentelemetry.trace import SpanKind

    with _spans.tracer.start_as_current_span(
        scope["method"],
        context=_context(headers.get(b"traceparent", b"").decode("latin-1")),
        kind=SpanKind.SERVER,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        request.traceparent = _traceparent(span)
        try:
            yield request
        finally:
            span.update_name(f"{scope['method']} {request.route}")
            span.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "http.route": request.route,
                    "http.response.status_code": request.status,
                }
            )


@contextmanager
def events_span(event_type: str, causes: Collection[str | None]) -> Iterator[str | None]:
    """A span around the handling of some events, linked to what caused them; gives what the events they cause name.

    Events of one trace are handled in it; events of several are not, and are only linked.
    """
    known = sorted({cause for cause in causes if cause is not None})
    only = known[0] if len(set(causes)) == 1 and known else None
    if _spans is None:
        yield only
        return
    from opentelemetry.trace import Link, SpanKind, get_current_span

    contexts = [get_current_span(_context(cause)).get_span_context() for cause in known[:MOST_LINKS]]
    with _spans.tracer.start_as_current_span(
        f"apply {event_type}",
        context=_context(only or ""),
        kind=SpanKind.CONSUMER,
        links=[Link(each) for each in contexts if each.is_valid],
        attributes={"steward.event.type": event_type, "messaging.batch.message_count": len(causes)},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield _traceparent(span)


def _context(traceparent: str) -> Context:
    """The context that a received traceparent names; an empty one where it names none."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, context=Context())


def _traceparent(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
