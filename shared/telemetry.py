"""Logs as JSON, metrics on a port of their own, and the trace that a request or an event belongs to."""

from contextvars import ContextVar

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_traceparent() -> str | None:
    """The W3C trace context of the work at hand, if it has one."""
    return _traceparent.get()


def set_traceparent(value: str | None) -> None:
    """Say which trace the work at hand belongs to."""
    _traceparent.set(value)
