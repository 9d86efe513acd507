"""What a new OpenAPI document takes away from those who rely on the released one."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Document = Mapping[str, Any]
Direction = Literal["request", "response"]
_METHODS = ("get", "post", "put", "patch", "delete")
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def breaches(released: Document, current: Document, *, today: str) -> list[str]:
    """Every way in which a client of the released document would fail; an operation may go after its sunset."""
    return list(_Comparison(released, current).operations(today))


def sunset_of(operation: Mapping[str, Any]) -> str | None:
    """The day after which a deprecated operation may be gone."""
    return operation.get("x-sunset") if operation.get("deprecated") else None


_Pair = tuple[int, int, Direction]


class _Comparison:
    def __init__(self, released: Document, current: Document, met: frozenset[_Pair] = frozenset()) -> None:
        self._released, self._current = released, current
        self._met = set(met)

    def operations(self, today: str) -> Iterator[str]:
        for path, methods in self._released["paths"].items():
            for method in _METHODS:
                old = methods.get(method)
                new = self._current["paths"].get(path, {}).get(method)
                name = f"{method.upper()} {path}"
                if old is not None and new is not None:
                    yield from self._operation(name, old, new)
                elif old is not None and (sunset := sunset_of(old) or today) >= today:
                    yield f"{name} is gone" + (f" before its sunset on {sunset}" if sunset_of(old) else "")

    def _operation(self, name: str, old: Document, new: Document) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{name} has another operationId, so another name in generated clients"
        if ({} in old.get("security", [{}])) and ({} not in new.get("security", [{}])):
            yield f"{name} asks for a token now"
        yield from self._parameters(name, old, new)
        yield from self._body(name, old, new)
        for status, answer in old["responses"].items():
            if status.startswith("2"):
                yield from self._answer(f"{name} {status}", answer, new["responses"].get(status))

    def _parameters(self, name: str, old: Document, new: Document) -> Iterator[str]:
        before, after = ({(each["in"], each["name"]): each for each in self._all(side, operation)}
                         for side, operation in ((self._released, old), (self._current, new)))  # fmt: skip
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{name} needs the {key[0]} parameter {key[1]} now"
        for key, parameter in before.items():
            if key not in after:
                yield f"{name} takes no {key[0]} parameter {key[1]} any more"
            else:
                where = f"{name} {key[0]} {key[1]}"
                yield from self._schema(where, parameter["schema"], after[key]["schema"], "request")

    def _all(self, document: Document, operation: Document) -> list[Document]:
        return [_resolved(document, each) for each in operation.get("parameters", ())]

    def _body(self, name: str, old: Document, new: Document) -> Iterator[str]:
        before, after = old.get("requestBody", {}), new.get("requestBody", {})
        if after.get("required") and not before.get("required"):
            yield f"{name} needs a body now"
        for media_type, content in before.get("content", {}).items():
            if media_type not in after.get("content", {}):
                yield f"{name} takes no {media_type} any more"
            else:
                schema = after["content"][media_type]["schema"]
                yield from self._schema(f"{name} body", content["schema"], schema, "request")

    def _answer(self, where: str, old: Document, new: Document | None) -> Iterator[str]:
        if new is None:
            yield f"{where} is no answer any more"
            return
        for media_type, content in old.get("content", {}).items():
            if media_type not in new.get("content", {}):
                yield f"{where} is not told as {media_type} any more"
            elif "schema" in content:
                yield from self._schema(where, content["schema"], new["content"][media_type]["schema"], "response")

    def _schema(self, where: str, old: Any, new: Any, direction: Direction) -> Iterator[str]:
        """Breaches within two schemas; a request may only become wider, an answer only narrower or richer."""
        old, new = _resolved(self._released, old), _resolved(self._current, new)
        key = (id(old), id(new), direction)
        if key in self._met or not isinstance(old, Mapping) or not isinstance(new, Mapping):
            return
        self._met.add(key)
        if "anyOf" in old or "oneOf" in old or "anyOf" in new or "oneOf" in new:
            yield from self._union(where, old, new, direction)
            return
        wide, narrow = (new, old) if direction == "request" else (old, new)
        if lost := _types(narrow) - _types(wide):
            yield f"{where} {'takes no' if direction == 'request' else 'may be'} {' or '.join(sorted(lost))} now"
            return
        yield from _values(where, old, new, direction)
        yield from _needs(where, old, new, direction)
        for name, schema in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield f"{where}/{name} is gone"
            else:
                yield from self._schema(f"{where}/{name}", schema, new["properties"][name], direction)
        for inner in ("items", "additionalProperties"):
            yield from self._schema(f"{where}/*", old.get(inner), new.get(inner), direction)

    def _union(self, where: str, old: Document, new: Document, direction: Direction) -> Iterator[str]:
        """Each way that was open stays open in a request; each way that an answer may be was open before."""
        asked, offered = (
            (_branches(old), _branches(new)) if direction == "request" else (_branches(new), _branches(old))
        )
        for branch in asked:
            pairs = [(branch, each) if direction == "request" else (each, branch) for each in offered]
            tried = [_Comparison(self._released, self._current, frozenset(self._met)) for _ in pairs]
            found = [list(one._schema(where, *pair, direction)) for one, pair in zip(tried, pairs, strict=True)]
            if all(found):
                yield from min(found, key=len)


def _needs(where: str, old: Document, new: Document, direction: Direction) -> Iterator[str]:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    if direction == "request":
        yield from (f"{where}/{name} is required now" for name in sorted(after - before))
    else:
        yield from (f"{where}/{name} may be missing now" for name in sorted(before - after))


def _values(where: str, old: Document, new: Document, direction: Direction) -> Iterator[str]:
    before, after = _enum(old), _enum(new)
    if before is not None and after is not None:
        yield from (f"{where} has no value {value!r} any more" for value in before if value not in after)
    elif after is not None and direction == "request":
        yield f"{where} takes some values only now"
    if old.get("format") != new.get("format"):
        yield f"{where} has another format: {old.get('format')}, now {new.get('format')}"
    if direction == "request":
        if "pattern" in new and old.get("pattern") != new["pattern"]:
            yield f"{where} has another pattern: {new['pattern']}"
        least = [each for each in _LEAST if each in new and (each not in old or new[each] > old[each])]
        most = [each for each in _MOST if each in new and (each not in old or new[each] < old[each])]
        yield from (f"{where} has a narrower {limit}: {new[limit]}" for limit in (*least, *most))


def _enum(schema: Document) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _types(schema: Document) -> set[str]:
    kind = schema.get("type", ["array", "boolean", "integer", "null", "number", "object", "string"])
    kinds = {kind} if isinstance(kind, str) else set(kind)
    return kinds | {"integer"} if "number" in kinds else kinds


def _branches(schema: Document) -> list[Any]:
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def _resolved(document: Document, schema: Any) -> Any:
    while isinstance(schema, Mapping) and "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        schema = found
    return schema
