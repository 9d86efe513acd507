"""CloudEvents 1.0 in structured mode: how an event looks on a topic and in a feed, and how it is read from there."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg.pgproto import pgproto

from shared.messaging.chain import instant
from shared.messaging.log import LoggedEvent

MEDIA_TYPE = "application/cloudevents+json; charset=UTF-8"
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"


# asyncpg's UUID is one of Python's, made in a tenth of the time; of a log's id there are few.
_log_id = lru_cache(maxsize=64)(pgproto.UUID)


class NotAnEvent(ValueError):
    """What arrived is no event of Steward: not JSON, or without what each of them has."""


class Envelope(NamedTuple):
    """An event as it arrived; `document` is all of it, data included."""

    id: UUID
    source: str
    type: str
    subject: UUID
    subject_version: int
    time: datetime
    recorded_at: datetime
    log_id: UUID
    position: int
    hash: bytes
    previous: bytes
    actor: str | None
    causation_id: UUID | None
    causation_depth: int
    traceparent: str | None
    document: dict[str, Any]

    @property
    def erased(self) -> bool:
        """Whether its data were erased from the log: it has a place, and nothing to apply."""
        return self.document.get("erased") == "true"

    @property
    def text(self) -> str:
        """The whole event as JSON, as it is kept when it cannot be applied."""
        return json.dumps(self.document, ensure_ascii=False, separators=(",", ":"))


def source_of(body: str, service: str) -> str:
    """How events name the service of a body that tells them."""
    return f"/steward/{body}/{service}"


def contract_urn(event_type: str) -> str:
    """The name of a contract's JSON Schema."""
    return f"urn:steward:contract:{event_type}"


def structured(event: LoggedEvent, source: str, *, log_id: UUID | None = None) -> str:
    """The event as one JSON text; the data are the exact bytes of the log, numbers outside it are strings of digits.

    `log_id` is the log's present one, where the event may have been numbered before a restore gave it a new one:
    who follows a log follows all of it under one name.
    """
    attributes = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": source,
        "type": event.type,
        "subject": str(event.subject),
        "time": instant(event.time),
        "datacontenttype": "application/json",
        "dataschema": contract_urn(event.type),
        "logid": str(log_id or event.log_id),
        "position": str(event.position),
        "recordedat": instant(event.recorded_at),
        "hash": event.hash.hex(),
        "previous": event.previous.hex(),
        "subjectversion": str(event.subject_version),
        "causationdepth": str(event.causation_depth),
    }
    if event.salt is None:
        attributes["erased"] = "true"
    if event.actor is not None:
        attributes["actor"] = event.actor
    if event.causation_id is not None:
        attributes["causationid"] = str(event.causation_id)
    if event.traceparent is not None:
        attributes["traceparent"] = event.traceparent
    written = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
    return written if event.data is None else f'{written[:-1]},"data":{event.data}}}'


def without_data(event: Envelope) -> str:
    """The event as its log would serve it once it is erased."""
    kept = {name: value for name, value in event.document.items() if name not in ("data", "actor")}
    return json.dumps({**kept, "erased": "true"}, ensure_ascii=False, separators=(",", ":"))


def read(raw: str | bytes) -> Envelope:
    """The event in a message, or NotAnEvent."""
    try:
        return from_document(json.loads(raw))
    except ValueError as error:
        raise NotAnEvent(str(error)) from error


def from_document(document: Any) -> Envelope:
    """The event in a JSON object, or NotAnEvent."""
    try:
        return Envelope(
            id=pgproto.UUID(document["id"]),
            source=document["source"],
            type=document["type"],
            subject=pgproto.UUID(document["subject"]),
            subject_version=int(document["subjectversion"]),
            time=datetime.fromisoformat(document["time"]),
            recorded_at=datetime.fromisoformat(document["recordedat"]),
            log_id=_log_id(document["logid"]),
            position=int(document["position"]),
            hash=bytes.fromhex(document["hash"]),
            previous=bytes.fromhex(document["previous"]),
            actor=document.get("actor"),
            causation_id=pgproto.UUID(document["causationid"]) if "causationid" in document else None,
            causation_depth=int(document["causationdepth"]),
            traceparent=document.get("traceparent"),
            document=document,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnEvent(f"{type(error).__name__}: {error}") from error
