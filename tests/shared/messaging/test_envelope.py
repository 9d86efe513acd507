"""What is taken for an event: nothing that could not be kept, compared or forgotten later."""

import json
from typing import Any

import pytest

from shared.messaging.envelope import NotAnEvent, read, read_batch, without_data

_SOUND = {
    "specversion": "1.0",
    "id": "019b0000-0000-7000-8000-000000000001",
    "source": "/steward/test/goals",
    "type": "steward.goals.unit.changed.v1",
    "subject": "019b0000-0000-7000-8000-000000000002",
    "time": "2026-01-01T00:00:00.000000Z",
    "logid": "019b0000-0000-7000-8000-000000000003",
    "position": "5",
    "recordedat": "2026-01-01T00:00:00.000000Z",
    "hash": "00" * 32,
    "previous": "00" * 32,
    "subjectversion": "1",
    "causationdepth": "0",
}
_DEEP = b"[" * 100_000 + b"]" * 100_000


def message(more: bytes = b"", **other: Any) -> bytes:
    """A sound event with some attributes otherwise, and more of them as they are written."""
    return json.dumps(_SOUND | other).encode()[:-1] + more + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        message(b',"data":{"name":"\xff"}'),
        message(b',"unknown":"\xff"'),
        message(b',"data":' + _DEEP),
        message(recordedat="2026-01-01T00:00:00"),
        message(subjectversion=str(2**63)),
        message(position="-1"),
    ],
    ids=["data-no-utf8", "unknown-no-utf8", "too-deep", "time-without-zone", "beyond-a-column", "before-the-first"],
)
def test_what_could_not_be_kept_or_compared_is_no_event(raw: bytes) -> None:
    with pytest.raises(NotAnEvent):
        read(raw)


def test_a_batch_that_is_nested_without_end_is_none() -> None:
    with pytest.raises(NotAnEvent):
        read_batch(_DEEP)


def test_whatever_the_data_say_they_can_be_forgotten_and_the_rest_stays() -> None:
    event = read(message(b',"actor":"somebody","new":1e400,"data":{"value":1e400}'))

    kept = json.loads(without_data(event), parse_float=str)
    assert kept == _SOUND | {"new": "1e400", "erased": "true"}
