"""What schemathesis is told beside the document, and two checks of our own."""

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Leave out of sound requests what no document can say enough of; tests/shared/http tries each of them.

    A cursor is good only where a page gave it out; what `fields` leaves out of an answer is still in its schema; and
    nobody waits here for what never comes.
    """
    if case.meta is not None and case.meta.generation.mode.is_positive and case.query:
        for name in ("cursor", "fields", "wait"):
            case.query.pop(name, None)
    if case.query and _is_long(case.query.get("wait")):
        case.query["wait"] = 0


def _is_long(wait: Any) -> bool:
    try:
        return 0 < float(wait) <= 20
    except (TypeError, ValueError):
        return False


@schemathesis.check
def only_a_waiting_read_is_put_off(_: Any, response: Any, case: Any) -> None:
    """503 is the answer to who waits for a write that has not arrived, and to nobody else."""
    if response.status_code == 503:
        assert "Steward-After" in (case.headers or {}), response.text


@schemathesis.check
def what_the_schema_allows_is_not_called_invalid(_: Any, response: Any, case: Any) -> None:
    """422 may follow from the state of things, but a sound body is not refused for its shape."""
    is_sound = case.meta is not None and case.meta.generation.mode.is_positive
    if is_sound and response.status_code == 422:
        assert "in the input cannot be accepted" not in response.text, response.text
