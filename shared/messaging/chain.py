"""The hash chain of a log: which bytes are hashed, in which order. Pure; outside anchors freeze this layout.

A field is its length in four bytes, big-endian, and then its bytes; a null is the length FFFFFFFF and nothing more.
Integers are ASCII digits, instants RFC 3339 in UTC with six decimals, UUIDs lower case with hyphens, hashes raw bytes.
Data and actor enter as salted digests, so that they can be emptied one day and the chain still holds.
"""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

HASH_VERSION = 1
GENESIS = bytes(32)
"""What the first event of a log names as the hash before it."""
_NULL = b"\xff\xff\xff\xff"
_UUID_LENGTH = (36).to_bytes(4)


class Entry(NamedTuple):
    """An event as it was written, before it has a place."""

    id: UUID
    type: str
    subject: UUID
    subject_version: int
    time: datetime
    data: str
    actor: str | None = None
    causation_id: UUID | None = None
    causation_depth: int = 0
    traceparent: str | None = None


class Head(NamedTuple):
    """The end of a log: its last position and hash, and when that was recorded."""

    log_id: UUID
    position: int
    hash: bytes
    recorded_at: datetime


class Link(NamedTuple):
    """The place of an event: what the log adds to it."""

    position: int
    recorded_at: datetime
    salt: bytes
    data_digest: bytes
    actor_digest: bytes
    previous: bytes
    hash: bytes


# Events of one batch are recorded at one instant, and often made at one.
@lru_cache(maxsize=64)
def instant(value: datetime) -> str:
    """RFC 3339 in UTC with six decimals."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def digest(salt: bytes, text: str | None) -> bytes:
    """The digest that stands for data or actor in the chain."""
    return sha256(_field(salt) + _field(None if text is None else text.encode())).digest()


def chained(
    *,
    hash_version: int,
    log_id: UUID,
    previous: bytes,
    position: int,
    entry: Entry,
    recorded_at: datetime,
    data_digest: bytes,
    actor_digest: bytes,
) -> bytes:
    """The hash of an event at its place."""
    # One expression without a call for most fields: the chain is most of a sequencer's work.
    return sha256(
        b"".join(
            (
                _shared_field(str(hash_version)),
                _log_field(log_id),
                _field(previous),
                _field(b"%d" % position),
                _UUID_LENGTH,
                str(entry.id).encode(),
                _shared_field(entry.type),
                _UUID_LENGTH,
                str(entry.subject).encode(),
                _instant_field(entry.time),
                _instant_field(recorded_at),
                _field(b"%d" % entry.subject_version),
                _NULL if entry.causation_id is None else _field(str(entry.causation_id).encode()),
                _shared_field(str(entry.causation_depth)),
                _field(data_digest),
                _field(actor_digest),
            )
        )
    ).digest()


def link(head: Head, entry: Entry, *, now: datetime, salt: bytes) -> Link:
    """The place after the head; recorded time never runs backwards, whatever the clock does."""
    position = head.position + 1
    recorded_at = max(head.recorded_at, now)
    data_digest, actor_digest = digest(salt, entry.data), digest(salt, entry.actor)
    hashed = chained(
        hash_version=HASH_VERSION,
        log_id=head.log_id,
        previous=head.hash,
        position=position,
        entry=entry,
        recorded_at=recorded_at,
        data_digest=data_digest,
        actor_digest=actor_digest,
    )
    return Link(position, recorded_at, salt, data_digest, actor_digest, head.hash, hashed)


def after(head: Head, place: Link) -> Head:
    """The head once the link is in the log."""
    return Head(head.log_id, place.position, place.hash, place.recorded_at)


def _field(value: bytes | None) -> bytes:
    return _NULL if value is None else len(value).to_bytes(4) + value


@lru_cache(maxsize=256)
def _shared_field(value: str) -> bytes:
    """The field of a text that many events have in common."""
    return _field(value.encode())


@lru_cache(maxsize=64)
def _log_field(log_id: UUID) -> bytes:
    return _field(str(log_id).encode())


@lru_cache(maxsize=64)
def _instant_field(value: datetime) -> bytes:
    return _field(instant(value).encode())
