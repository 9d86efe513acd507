"""The committed form of the contracts: a JSON Schema and an example of each, and an AsyncAPI document a service."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.contracts import registry
from shared.contracts.asyncapi import document_of
from shared.contracts.compatibility import breaches
from shared.contracts.event import Event
from shared.contracts.examples import example_of

SCHEMAS = Path(__file__).with_name("schemas")


class BrokenPromise(Exception):
    """A contract differs from its released schema in more than a new optional field; that is the next version."""


def schema_of(event: type[Event]) -> dict[str, Any]:
    """What producers send: closed, so that a field nobody has declared is found; consumers are more tolerant."""
    schema = _closed(event.model_json_schema(mode="serialization"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:steward:contract:{event.type}",
        **schema,
    }


def files_of(event: type[Event]) -> Mapping[Path, str]:
    """The two files of a contract, as they should be."""
    return {
        SCHEMAS / f"{event.type}.schema.json": _written(schema_of(event)),
        SCHEMAS / f"{event.type}.example.json": _written(example_of(event).model_dump(mode="json")),
    }


def all_files() -> dict[Path, str]:
    """Every file there should be, with its text."""
    documents = {
        SCHEMAS / f"{service}.asyncapi.json": _written(document_of(service))
        for service in {event.owner() for event in registry.all_events()}
    }
    return documents | {path: text for event in registry.all_events() for path, text in files_of(event).items()}


def stale_files() -> list[Path]:
    """Files that differ from what the classes say, or belong to no class."""
    expected = all_files()
    differing = [path for path, text in expected.items() if not path.exists() or path.read_text() != text]
    return sorted([*differing, *(path for path in SCHEMAS.glob("*.json") if path not in expected)])


def broken_promises() -> Iterator[str]:
    """What the classes no longer keep of the released schemas; a released contract that is gone is one too."""
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        event_type = path.name.removesuffix(".schema.json")
        event = registry.find(event_type)
        if event is None:
            yield f"{event_type}: the contract is gone, but the log holds such events for ever"
            continue
        yield from (f"{event_type}: {breach}" for breach in breaches(json.loads(path.read_text()), schema_of(event)))


def write() -> list[Path]:
    """Write what is stale; raises BrokenPromise, and writes nothing, where a released promise is broken."""
    if broken := list(broken_promises()):
        raise BrokenPromise("\n".join(broken))
    SCHEMAS.mkdir(exist_ok=True)
    written = stale_files()
    for path, text in all_files().items():
        if path in written:
            path.write_text(text)
    return written


def _closed(schema: Any) -> Any:
    if isinstance(schema, dict):
        inner = {key: _closed(value) for key, value in schema.items()}
        return {**inner, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    return schema


def _written(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
