"""What schemathesis is told beside the document, and two checks of our own."""

import re
from typing import Any

import schemathesis

_WRITTEN = re.compile(r"[a-z]+/[0-9a-f-]{36}/[0-9]+")


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Leave out of sound requests what no document can say enough of; tests/shared/http tries each of them.

    A cursor is good only where a page gave it out; what `fields` leaves out of an answer is still in its schema, in
    whatever request; nobody waits here for what never comes; no address holds U+0000, whatever the parameter. A
    Steward-After that is none comes from schemathesis, which fills in a wrong value for an optional header that it
    draws no right one for, and still calls the request sound.
    """
    if _names_fields(case):
        case.query.pop("fields")
    if _is_sound(case):
        for name in ("cursor", "wait"):
            (case.query or {}).pop(name, None)
        for name, value in (case.query or {}).items():
            if isinstance(value, str):
                case.query[name] = value.replace("\0", "")
        if not _WRITTEN.match((case.headers or {}).get("Steward-After", "")):
            (case.headers or {}).pop("Steward-After", None)
    if case.query and _is_long(case.query.get("wait")):
        case.query["wait"] = 0


def _names_fields(case: Any) -> bool:
    """Whether it asks for a part of the answer, and rightly so."""
    asked = (case.query or {}).get("fields", "")
    names = asked.split(",") if isinstance(asked, str) else [str(each) for each in asked or ()]
    described = next((each.definition for each in case.operation.query if each.name == "fields"), None)
    return described is not None and {*names} <= {*described["schema"]["items"]["enum"]}


def _is_sound(case: Any) -> bool:
    return case.meta is not None and bool(case.meta.generation.mode.is_positive)


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
    if _is_sound(case) and response.status_code == 422:
        assert "in the input cannot be accepted" not in response.text, response.text
