"""The form of an action's arguments, or of a part of them, on one page: self-contained, with a worked example.

What fits is written out; the rest is named by the PATH under which its own form is, with a line that says what it is.
The full schema has ten times as much, and validates; this is for reading.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, mapping, objects
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import resolved
from klaviyo_mcp.registry.worked_example import worked_example

LARGEST_FORM = 6_000
"""Characters of one form as it is printed."""
LARGEST_EXAMPLE = 1_500
LONGEST_VALUES = 4_500
"""Characters of an enumeration that is written out; a longer one is told as a tree of paths."""
TIME_ZONE: JSON = {
    "pattern": "^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$",
    "description": "IANA name of a time zone, such as Europe/Berlin, America/New_York or UTC.",
}
ROOMS = (5_900, 5_600, 5_300, 5_000, 4_400, 3_800, 3_200, 2_400, 1_600, 800, 0)
"""Characters that are tried for what is written out, until the whole form fits."""


def form_at(spec: ActionSpec, path: str = "") -> JSON:
    """The form of the arguments, of one of them, or of a deeper part such as `definition.actions`, with an example.

    A part of a list is named as if there were no list. `SendEmailAction` after any path is a form by its name, and a
    number is one of several forms that have none. Raises KeyError with the path.
    """
    definitions = mapping(spec.plain_schema.get("$defs"))
    schema = schema_of(spec, path)
    example = _example(spec, path, schema, definitions)
    writer = _Writer(definitions, path.partition(".")[0] if path in definitions else path)
    form: JSON = {}
    for room in ROOMS:
        form = {**writer.written(schema, path, room), "examples": [example]}
        if len(form_text(form)) <= LARGEST_FORM:
            break
    return form


def form_text(form: Any) -> str:
    """A form as it is printed: indented, with plain lists on one line."""
    text = json.dumps(form, ensure_ascii=False, indent=1)
    # A line break is never part of a text in JSON, so what is joined is a list of plain values.
    return re.sub(r"\[\n[^\[\]{}]*\n *\]", lambda plain: re.sub(r"\n *", " ", plain[0]), text)


def schema_of(spec: ActionSpec, path: str) -> JSON:
    """The full schema at a path, references in it as they are. Raises KeyError with the path."""
    definitions = mapping(spec.plain_schema.get("$defs"))
    schema: JSON = {key: value for key, value in spec.plain_schema.items() if key != "$defs"}
    for part in path.split(".") if path else []:
        found = _child(resolved(schema, definitions), part, definitions) or definitions.get(part)
        if not is_object(found):
            raise KeyError(path)
        schema = found
    return schema


@dataclass(frozen=True, slots=True)
class _Child:
    """A part of a schema: where its form is, what it is, and the name of its definition when it has one."""

    path: str
    schema: JSON


class _Writer:
    """Writes schemas out within a room of characters."""

    def __init__(self, definitions: JSON, path: str) -> None:
        self._definitions = definitions
        self._start = path.partition(".")[0]

    def written(self, schema: JSON, path: str, room: int, within: tuple[str, ...] = ()) -> JSON:
        """A schema with as many of its parts written out as fit the room, the small ones first."""
        within = self._entered(schema, within)
        schema = self._plain(schema)
        children = self._children(schema, path)
        wholes = [self._whole(child.schema, child.path, within) for child in children]
        fitting = [whole for whole in wholes if whole is not None]
        if len(fitting) == len(wholes) and _size(whole := self._put(schema, fitting)) <= room:
            return whole
        chosen = [self._named(child) for child in children]
        used = _size(self._put(schema, chosen))
        small = [(_size(whole), index, whole) for index, whole in enumerate(wholes) if whole is not None]
        for size, index, whole in sorted(small, key=lambda each: each[:2]):
            more = size - _size(chosen[index])
            if used + more > room:
                break
            chosen[index] = whole
            used += more
        return self._put(schema, chosen)

    def _whole(self, schema: JSON, path: str, within: tuple[str, ...]) -> JSON | None:
        """A schema with everything in it; what leads back into itself is named. None where it has no room anywhere.

        A part that is too long ends it, as a deep schema holds its parts many times over.
        """
        if str(schema.get("$ref", "")) in within and "$ref" in schema:
            return self._named(_Child(self._path_of(schema, path), schema))
        within = self._entered(schema, within)
        schema = self._plain(schema)
        parts: list[JSON] = []
        for child in self._children(schema, path):
            part = self._whole(child.schema, child.path, within)
            if part is None:
                return None
            parts.append(part)
        whole = self._put(schema, parts)
        return whole if _size(whole) <= ROOMS[0] else None

    def _children(self, schema: JSON, path: str) -> list[_Child]:
        """The parts of a schema in the order in which `_put` takes them; those of a list are those of its items."""
        found = [
            _Child(f"{path}.{name}".lstrip("."), mapping(inner))
            for name, inner in mapping(schema.get("properties")).items()
        ]
        if is_object(inner := schema.get("items")):
            found += [_Child(self._path_of(inner, path), inner)] if "$ref" in inner else self._children(inner, path)
        for form in ("anyOf", "oneOf"):
            found += [
                _Child(self._path_of(branch, f"{path}.{index}".lstrip(".")), branch)
                for index, branch in enumerate(objects(schema.get(form) or []))
            ]
        return found

    def _put(self, schema: JSON, parts: list[JSON]) -> JSON:
        """A copy of a schema with other parts."""
        return self._filled(schema, iter(parts))

    def _filled(self, schema: JSON, left: Iterator[JSON]) -> JSON:
        made = {key: value for key, value in schema.items() if key not in ("$defs", "$comment", "examples")}
        if "properties" in made:
            made["properties"] = {name: next(left) for name in made["properties"]}
        if is_object(inner := schema.get("items")):
            made["items"] = next(left) if "$ref" in inner else self._filled(self._plain(inner), left)
        for form in ("anyOf", "oneOf"):
            if form in made:
                made[form] = [next(left) for _ in objects(made[form])]
        return made

    def _named(self, child: _Child) -> JSON:
        """A part that is not written out: what it is, and under which path its form is."""
        schema = self._plain(child.schema)
        if _size(schema) < 120 and not self._children(schema, child.path):
            return schema
        words = shorten(str(schema.get("description", "")).split(". ")[0], 100, placeholder=" …").rstrip(".")
        keys = ", ".join(list(mapping(schema.get("properties")))[:6])
        line = words or (f"keys {keys}" if keys else "")
        return {"description": f"{line}. Form: {child.path}".lstrip(". ")}

    def _plain(self, schema: JSON) -> JSON:
        schema = resolved(schema, self._definitions)
        values = items(schema.get("enum"))
        if len(values) > 100 and "Europe/Berlin" in values:
            return {**{key: value for key, value in schema.items() if key != "enum"}, **TIME_ZONE}
        if _size(values) > LONGEST_VALUES:
            told = f"{len(values)} values, as a tree of paths: {_tree(values)}"
            return {**{key: value for key, value in schema.items() if key != "enum"}, "description": told}
        return schema

    def _path_of(self, schema: JSON, path: str) -> str:
        """The path of a definition is its name after the argument; other parts are where they are."""
        name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
        return f"{self._start}.{name}".lstrip(".") if name else path

    def _entered(self, schema: JSON, within: tuple[str, ...]) -> tuple[str, ...]:
        return (*within, str(schema["$ref"])) if "$ref" in schema else within


def _child(schema: JSON, part: str, definitions: JSON) -> JSON | None:
    """A part of a schema by name, through lists, and through the forms that a value may have."""
    if part in mapping(schema.get("properties")):
        return mapping(schema["properties"][part])
    if is_object(inner := schema.get("items")):
        return _child(resolved(inner, definitions), part, definitions)
    branches = objects(schema.get("anyOf") or schema.get("oneOf") or [])
    if part.isdecimal() and int(part) < len(branches):
        return branches[int(part)]
    for branch in branches:
        if (found := _child(resolved(branch, definitions), part, definitions)) is not None:
            return found
    return None


def _example(spec: ActionSpec, path: str, schema: JSON, definitions: JSON) -> Any:
    """The value that an example of the spec has at a path; where none has, or a long one, the shortest that fits."""
    parts = path.split(".") if path else []
    for example in spec.examples:
        value: Any = example.arguments
        for part in parts:
            while is_list(value) and value:
                value = value[0]
            value = value.get(part) if is_object(value) else None
        if value is not None and _size(value) <= LARGEST_EXAMPLE and _fits(value, schema, definitions):
            return value
    return worked_example(schema, definitions)


def _fits(value: Any, schema: JSON, definitions: JSON) -> bool:
    """Whether a value has the type of a schema: a path by the name of a form may stand for another one."""
    kinds = resolved(schema, definitions).get("type")
    allowed = {kinds} if isinstance(kinds, str) else set(items(kinds))
    kind = "object" if is_object(value) else "array" if is_list(value) else ""
    return not kind or not allowed or kind in allowed


def _tree(values: list[Any]) -> str:
    """Dotted paths as a tree: `a`, `a.b` and `a.c.d` are `a(b !c(d))`; `!` stands before a path that is no value."""
    known = {str(value) for value in values}
    root: JSON = {}
    for value in sorted(known):
        node = root
        for part in value.split("."):
            node = node.setdefault(part, {})

    def told(node: JSON, path: str) -> str:
        words: list[str] = []
        for name, below in node.items():
            here = f"{path}.{name}".lstrip(".")
            words.append(f"{'' if here in known else '!'}{name}{f'({told(below, here)})' if below else ''}")
        return " ".join(words)

    return told(root, "")


def _size(value: Any) -> int:
    return len(form_text(value))
