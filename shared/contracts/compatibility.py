"""Whether a contract still keeps the promises of its released schema: nothing may differ but a new optional field."""

from collections.abc import Iterator, Mapping
from typing import Any

_ONLY_WORDS = frozenset({"title", "description", "examples", "$id", "$schema", "$defs"})


def breaches(released: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Each promise of the released schema that the current one breaks, with the place; empty where none is broken."""
    return list(_compared(_resolved(released, released), _resolved(current, current), "event"))


def _resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """The schema with references replaced by what they point to, and without what is only words."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return _resolved({**root["$defs"][name], **beside}, root)
        return {
            # A field may be called «title»: below «properties» every key is a name.
            key: {name: _resolved(each, root) for name, each in value.items()}
            if key == "properties"
            else _resolved(value, root)
            for key, value in schema.items()
            if key not in _ONLY_WORDS
        }
    if isinstance(schema, list):
        return [_resolved(each, root) for each in schema]
    return schema


def _compared(released: Any, current: Any, place: str) -> Iterator[str]:
    if isinstance(released, dict) and isinstance(current, dict):
        for key in sorted(released.keys() | current.keys()):
            before, after = released.get(key), current.get(key)
            if key == "properties":
                yield from _properties(before or {}, after or {}, place)
            elif key == "required":
                yield from _required(before or [], after or [], place)
            elif key not in released:
                yield f"{place}: {key} is new ({after})"
            elif key not in current:
                yield f"{place}: {key} is gone (it was {before})"
            else:
                yield from _compared(before, after, f"{place} {key}")
    elif isinstance(released, list) and isinstance(current, list) and len(released) == len(current):
        for number, (before, after) in enumerate(zip(released, current, strict=True)):
            yield from _compared(before, after, f"{place}[{number}]")
    elif released != current:
        yield f"{place}: {released} has become {current}"


def _properties(released: Mapping[str, Any], current: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, before in released.items():
        if name not in current:
            yield f"{place}.{name}: the field is gone"
        else:
            yield from _compared(before, current[name], f"{place}.{name}")


def _required(released: list[str], current: list[str], place: str) -> Iterator[str]:
    for name in sorted(set(current) - set(released)):
        yield f"{place}.{name}: the field is newly required"
    for name in sorted(set(released) - set(current)):
        yield f"{place}.{name}: the field may be missing now"
