"""Logs as JSON, metrics on a port of their own, and the trace that a request or an event belongs to."""

import logging
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from prometheus_client import Counter, Histogram, make_wsgi_app, start_http_server
from pydantic import ValidationError

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
# Neither local variables nor the rows that a constraint refused: both may hold what people answered.
_EXCEPTIONS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)
_INPUT = re.compile(r", input_value=.*, input_type=\w+")
_TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$")

REQUEST_SECONDS = Histogram(
    "steward_request_seconds",
    "Time from the first byte of a request to the last of its answer",
    ["service", "method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FAILURES = Counter("steward_request_failures_total", "Requests answered 500 because of a fault of ours", ["service"])


def current_traceparent() -> str | None:
    """The W3C trace context of the work at hand, if it has one."""
    return _traceparent.get()


def set_traceparent(value: str | None) -> None:
    """Say which trace the work at hand belongs to."""
    _traceparent.set(value)


def continued(received: str | None) -> str:
    """A traceparent for work of ours: in the received trace where there is a valid one, else in a new trace."""
    matched = _TRACEPARENT.match(received) if received else None
    trace, flags = (matched[1], matched[2]) if matched else (secrets.token_hex(16), "01")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"


def configure_logging(service: str, level: str = "info") -> None:
    """Write every log line, ours and the libraries', as one JSON object to standard output."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
        _EXCEPTIONS,
        _without_details,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared[:-2]],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _EXCEPTIONS,
                _without_details,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.INFO), force=True)
    # One line per outgoing request says nothing that a metric does not.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _without_details(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Cut what quotes rows and inputs out of the exceptions of a line: the DETAIL of a database, pydantic's values."""
    for each in event.get("exception") or ():
        if isinstance(each, dict):
            kept = [line for line in str(each["exc_value"]).splitlines() if not line.startswith("DETAIL:")]
            each["exc_value"] = _INPUT.sub("", "\n".join(kept))
    return event


def in_short(error: BaseException) -> str:
    """What went wrong, in one line and without the values it went wrong with: for logs and dead letters.

    A database quotes the row in the lines after the first, and pydantic the input at the end of each of its own.
    """
    if isinstance(error, ValidationError):
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False)[:5])
        return f"{type(error).__name__}: {'; '.join(wrong)}"[:500]
    first, *_ = str(getattr(error, "orig", None) or error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"[:500]


def _named(service: str) -> structlog.types.Processor:
    def name(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event["service"] = service
        return event

    return name


Probe = Callable[[], str | None]
"""What is wrong, or None; asked on a thread, so that it answers whatever the event loop is at."""


@contextmanager
def metrics_server(
    port: int | None, host: str = "127.0.0.1", *, probes: Mapping[str, Probe] | None = None
) -> Iterator[None]:
    """Serve /metrics, and probes by their paths, on a port of its own while the block runs; without a port, nothing."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, addr=host)
    server.set_app(_probed(probes or {}))
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2)


def _probed(probes: Mapping[str, Probe]) -> WSGIApplication:
    metrics: WSGIApplication = make_wsgi_app()

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        probe = probes.get(environ["PATH_INFO"])
        if probe is None:
            return metrics(environ, start)
        wrong = probe()
        start("503 Service Unavailable" if wrong else "200 OK", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{wrong or 'ok'}\n".encode()]

    return answer
