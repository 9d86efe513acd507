"""What a service tells the others as one AsyncAPI 3.0 document, made from the registry."""

from collections.abc import Mapping
from typing import Any

from shared.contracts import registry
from shared.contracts.event import Event
from shared.contracts.examples import example_of

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_ID: Mapping[str, Any] = {"type": "string", "format": "uuid"}
_INSTANT: Mapping[str, Any] = {"type": "string", "format": "date-time"}
_DIGITS: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9]+$"}
_HASH: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ENVELOPE: Mapping[str, Mapping[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {**_ID, "description": "Of the event; one that comes again has the same"},
    "source": {**_TEXT, "description": "/steward/{body}/{service}"},
    "type": {**_TEXT, "description": "The contract with its version"},
    "subject": {**_ID, "description": "The aggregate that it is about; the key of the Kafka message"},
    "time": {**_INSTANT, "description": "When it happened"},
    "datacontenttype": {"const": "application/json"},
    "dataschema": {**_TEXT, "description": "The JSON Schema of the data"},
    "logid": {**_ID, "description": "The log that numbers it; another one after a restore"},
    "position": {**_DIGITS, "description": "Its place in the log; no number is left out"},
    "recordedat": {**_INSTANT, "description": "When it got its place; rises with the position"},
    "hash": {**_HASH, "description": "Of this event, chained to the one before"},
    "previous": {**_HASH, "description": "The hash of the event before"},
    "subjectversion": {**_DIGITS, "description": "The version of the subject after the event"},
    "causationdepth": {**_DIGITS, "description": "How many events led to this one"},
    "actor": {**_TEXT, "description": "A random reference to whoever did it; never a name"},
    "causationid": {**_ID, "description": "The event that led to this one"},
    "traceparent": {**_TEXT, "description": "W3C Trace Context"},
}
_MAY_BE_ABSENT = frozenset({"actor", "causationid", "traceparent"})
_DESCRIPTION = """\
Every event of this service, in the order of its log: on a Kafka topic with one partition, and the same at GET
/v1/events for those who poll. Both carry unsuppressed numbers and are for systems inside the trust boundary.

An event may come more than once, never out of order: keep the position and hash of the last one applied, drop what
is at or below it, and check that the next names your hash. Ignore types and fields that you do not know: a new
optional field keeps the version of a type, anything else is a type with the next version."""


def document_of(service: str) -> dict[str, Any]:
    """The description of a service's events."""
    events = [event for event in registry.all_events() if event.owner() == service]
    named = {event.type: {"$ref": f"#/components/messages/{event.type}"} for event in events}
    topic = f"{service}.events"
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Steward {service}: events",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "topic": {
                "address": topic,
                "title": "The Kafka topic",
                "messages": named,
                "bindings": {"kafka": {"topic": topic, "partitions": 1, "bindingVersion": "0.5.0"}},
            }
        },
        "operations": {
            "tell": {
                "action": "send",
                "channel": {"$ref": "#/channels/topic"},
                "title": f"What {service} tells",
                "messages": [{"$ref": f"#/channels/topic/messages/{event.type}"} for event in events],
            }
        },
        "components": {
            "messages": {event.type: _message(event) for event in events},
            "schemas": {"envelope": _envelope(), **_data_schemas(events)},
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    example = example_of(event).model_dump(mode="json")
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/cloudevents+json",
        "tags": [{"name": event.kind}],
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": event.type},
                        "data": {"$ref": f"#/components/schemas/{event.type}"},
                    },
                },
            ],
            "examples": [{"type": event.type, "data": example}],
        },
        "bindings": {"kafka": {"key": dict(_ID), "bindingVersion": "0.5.0"}},
    }


def _envelope() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "CloudEvents 1.0 in structured mode; numbers are strings of digits. Erased events have no data.",
        "required": [name for name in _ENVELOPE if name not in _MAY_BE_ABSENT],
        "properties": {name: dict(schema) for name, schema in _ENVELOPE.items()},
    }


def _data_schemas(events: list[type[Event]]) -> dict[str, Any]:
    """The data of each event, and the parts that several share; as lenient towards new fields as consumers are."""
    found: dict[str, Any] = {}
    for event in events:
        schema = event.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        for name, part in {**schema.pop("$defs", {}), event.type: schema}.items():
            if found.setdefault(name, part) != part:
                raise ValueError(f"Two parts of events are called {name} and differ.")
    return found
