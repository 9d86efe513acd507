"""The chain's bytes: frozen by a committed vector, because anchors outside of Steward are made from them."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from shared.messaging.chain import GENESIS, Entry, Head, after, digest, instant, link

VECTOR = json.loads(Path(__file__).with_name("chain_vector.json").read_text())


def entry_of(event: dict[str, str | None]) -> Entry:
    """An event of the vector."""
    cause = event["causation_id"]
    return Entry(
        id=UUID(event["id"] or ""),
        type=event["type"] or "",
        subject=UUID(event["subject"] or ""),
        subject_version=int(event["subject_version"] or 0),
        time=datetime.fromisoformat(event["time"] or ""),
        data=event["data"] or "",
        actor=event["actor"],
        causation_id=UUID(cause) if cause else None,
        causation_depth=int(event["causation_depth"] or 0),
    )


class TestVector:
    def test_the_bytes_of_the_chain_are_those_that_were_committed(self) -> None:
        head = Head(UUID(VECTOR["log_id"]), 0, GENESIS, datetime(1970, 1, 1, tzinfo=UTC))

        for event in VECTOR["events"]:
            place = link(
                head,
                entry_of(event),
                now=datetime.fromisoformat(event["recorded_at"]),
                salt=bytes.fromhex(event["salt"]),
            )
            head = after(head, place)

            assert place.position == int(event["position"])
            assert place.data_digest.hex() == event["data_digest"]
            assert place.actor_digest.hex() == event["actor_digest"]
            assert place.hash.hex() == event["hash"]

    def test_the_first_digest_can_be_made_by_hand(self) -> None:
        event = VECTOR["events"][0]
        salt, data = bytes.fromhex(event["salt"]), event["data"].encode()

        by_hand = sha256(b"\x00\x00\x00\x20" + salt + len(data).to_bytes(4, "big") + data)
        without_actor = sha256(b"\x00\x00\x00\x20" + salt + b"\xff\xff\xff\xff")

        assert by_hand.hexdigest() == event["data_digest"]
        assert without_actor.hexdigest() == event["actor_digest"]


class TestFields:
    @pytest.mark.parametrize(
        "changed",
        [
            {"id": UUID(int=9)},
            {"type": "steward.goals.unit.changed.v2"},
            {"subject": UUID(int=9)},
            {"subject_version": 9},
            {"time": datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)},
            {"data": "{} "},
            {"actor": ""},
            {"causation_id": UUID(int=9)},
            {"causation_depth": 9},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_each_field_changes_the_hash(self, changed: dict[str, object]) -> None:
        head = Head(UUID(int=1), 0, GENESIS, datetime(1970, 1, 1, tzinfo=UTC))
        at = datetime(2026, 1, 1, tzinfo=UTC)
        fields: dict[str, object] = {
            "id": UUID(int=2),
            "type": "steward.goals.unit.changed.v1",
            "subject": UUID(int=3),
            "subject_version": 1,
            "time": at,
            "data": "{}",
        }

        plain = link(head, Entry(**fields), now=at, salt=bytes(32))  # type: ignore[arg-type]  # the fields of an Entry
        other = link(head, Entry(**{**fields, **changed}), now=at, salt=bytes(32))  # type: ignore[arg-type]  # as above

        assert plain.hash != other.hash

    def test_no_text_and_an_empty_text_differ(self) -> None:
        assert digest(bytes(32), None) != digest(bytes(32), "")

    def test_an_instant_is_written_in_utc_with_six_decimals(self) -> None:
        in_india = datetime(2026, 3, 2, 15, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))

        assert instant(in_india) == "2026-03-02T09:30:00.000000Z"
