"""Emptying fields by name: the argument `clear`, which every action has that can empty one, derived from its schema.

Many clients must send null for whatever they do not set, so null cannot mean "empty this". What can be emptied are the
nullable attributes of what a PATCH sends, and of what a spec says is changed field by field by another method.
"""

from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_object, items, mapping, objects
from klaviyo_mcp.registry.holes import holes
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_mcp.registry.nulls import takes_null
from klaviyo_mcp.registry.references import name_of, resolved

CLEAR = "clear"
"""The argument, and the field of each item where an action changes many."""
MOST_LISTED = 12
"""Names that are left to an enumeration; what an agent is shown leaves longer ones out."""


def with_clear(spec: ActionSpec) -> ActionSpec:
    """The action with `clear` wherever it can empty something; `clearing.inside` then names all these places."""
    stated = spec.clearing
    inside = stated.inside
    if inside is None:
        inside = [""] if isinstance(spec.request, HttpRequest) and spec.request.method == "PATCH" else []
    schema, found = spec.input_schema, list[str]()
    for place in inside:
        changed = _with_clear(schema, place.split(".") if place else [], _Names(spec, place))
        if changed is not schema:
            schema = changed
            found.append(place)
    if not found:
        return spec
    return spec.model_copy(
        update={"input_schema": schema, "clearing": stated.model_copy(update={"inside": found})},
    )


def clear_schema(schema: JSON, place: str) -> JSON | None:
    """The schema of `clear` at a place of `clearing.inside`, such as `profiles[]`, None where there is none."""
    for part in place.split(".") if place else []:
        schema = mapping(mapping(schema.get("properties")).get(part.removesuffix("[]")))
        schema = mapping(schema.get("items")) if part.endswith("[]") else schema
    return mapping(schema.get("properties")).get(CLEAR)


def clearable(schema: JSON, place: str = "") -> list[str]:
    """What `clear` takes at a place."""
    return items(mapping(mapping(clear_schema(schema, place)).get("items")).get("enum"))


class _Names:
    """The names that can be cleared of one place of an action."""

    def __init__(self, spec: ActionSpec, place: str) -> None:
        self._definitions = mapping(spec.input_schema.get("$defs"))
        self._never = spec.clearing.never
        # Of what stands beside the attributes (the id, paths, queries, changes of lists) nothing is emptied.
        self._sent = set(_attributes(spec)) if not place else None

    def of(self, schema: JSON) -> list[str]:
        return list(self._names(schema, "", ()))

    def _names(self, schema: JSON, above: str, within: tuple[str, ...]) -> Iterator[str]:
        for name, rule in mapping(schema.get("properties")).items():
            path = f"{above}.{name}".lstrip(".")
            full = resolved(rule, self._definitions)
            elsewhere = not above and self._sent is not None and name not in self._sent
            if path in self._never or elsewhere or full.get("readOnly"):
                continue
            if takes_null(rule, self._definitions) and name not in items(schema.get("required")):
                yield path
            inner, entered = self._only_form(rule)
            if not set(entered) & set(within):
                yield from self._names(inner, path, (*within, *entered))

    def _only_form(self, schema: JSON) -> tuple[JSON, list[str]]:
        """What a value is when it is not null, and the definitions met; of several forms, none has parts of its own."""
        entered = [name] if (name := name_of(schema)) else []
        schema = resolved(schema, self._definitions)
        branches = objects(schema.get("anyOf") or schema.get("oneOf") or [])
        forms = [branch for branch in branches if branch.get("type") != "null"]
        if not forms:
            return schema, entered
        if len(forms) > 1:
            return {}, entered
        inner, more = self._only_form(forms[0])
        return inner, [*entered, *more]


def _attributes(spec: ActionSpec) -> Iterator[str]:
    """The arguments that the body sends as attributes and relationships."""
    body = spec.request.body if isinstance(spec.request, HttpRequest) else None
    data = mapping(mapping(body).get("data"))
    for part in ("attributes", "relationships"):
        yield from (name.partition(".")[0] for name in holes(data.get(part)))


def _with_clear(schema: JSON, parts: list[str], names: _Names) -> JSON:
    """A copy with `clear` in the object that the parts lead to, or the schema itself where nothing can be cleared."""
    properties = mapping(schema.get("properties"))
    if parts:
        key, rest = parts[0].removesuffix("[]"), parts[1:]
        inner: Any = mapping(properties.get(key))
        target = mapping(inner.get("items")) if parts[0].endswith("[]") else inner
        changed = _with_clear(target, rest, names)
        if changed is target:
            return schema
        inner = {**inner, "items": changed} if parts[0].endswith("[]") else changed
        return {**schema, "properties": {**properties, key: inner}}
    known = names.of(schema)
    if not known or CLEAR in properties:
        return schema
    last = max(list(properties).index(name.partition(".")[0]) for name in known)
    before = list(properties)[: last + 1]
    clear: JSON = {"type": "array", "description": _words(known), "items": {"type": "string", "enum": known}}
    return {
        **schema,
        "properties": {name: properties[name] for name in before}
        | {CLEAR: clear}
        | {name: rule for name, rule in properties.items() if name not in before},
    }


def _words(known: list[str]) -> str:
    """What `clear` is, with the names where they are too many to be listed otherwise."""
    words = "Fields to empty, by name"
    if len(known) > MOST_LISTED:
        parts = [name for name in known if "." in name]
        words += f": {', '.join(name for name in known if name not in parts)}"
        words += f"; or a part, like {parts[0]}" if parts else ""
    return f"{words}. Null elsewhere means not given."


def as_written(spec: ActionSpec) -> ActionSpec:
    """The action as its file has it, without what `with_clear` added."""
    schema = spec.input_schema
    for place in spec.clearing.inside or []:
        schema = _without_clear(schema, place.split(".") if place else [])
    return spec.model_copy(update={"input_schema": schema})


def _without_clear(schema: JSON, parts: list[str]) -> JSON:
    properties = dict(mapping(schema.get("properties")))
    if not parts:
        properties.pop(CLEAR, None)
    elif is_object(inner := properties.get(key := parts[0].removesuffix("[]"))):
        rest = parts[1:]
        listed = parts[0].endswith("[]")
        properties[key] = (
            {**inner, "items": _without_clear(mapping(inner.get("items")), rest)}
            if listed
            else _without_clear(inner, rest)
        )
    return {**schema, "properties": properties}
