"""OpenAPI 3.0 schemas as JSON Schema 2020-12 without words: what is allowed, and none of Klaviyo's sentences.

A schema that is recursive or too large to read in line becomes a reference into `$defs`.
"""

import json
from collections import Counter
from typing import Any

from klaviyo_mcp.authoring.openapi import components, resolve
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.references import name_of, named, reached

IN_LINE = 2000
"""Bytes of compact JSON up to which an argument's schema is written in line."""

WORTH_SHARING = 120
"""Bytes of compact JSON from which a schema used twice inside a deep document gets an entry of its own in `$defs`."""

WORTH_NAMING = 400
"""The same for a schema used once."""

COPIED = (
    "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip

FORMS = ("$ref", "anyOf", "type")
"""The keywords by which a converted schema says what it allows; it has one of them, or none."""

WORDS = ("description", "example", "examples", "title", "$comment")
"""Keywords that allow and forbid nothing. Klaviyo's are never copied; those in a spec are its author's."""

NULL: JSON = {"type": "null"}


class Converter:
    """Converts the schemas of one document and gathers the `$defs` of one spec."""

    def __init__(self, document: JSON) -> None:
        """`defs` fills up as deep schemas are met."""
        self.document = document
        self.components = components(document)
        self.defs: JSON = {}
        self._unnamed: dict[str, JSON] = {}

    def in_line(self, schema: JSON) -> JSON:
        """The schema of a parameter: always in line, because parameters are lists and plain values."""
        return self._convert(schema, frozenset())

    def argument(self, name: str, schema: JSON) -> JSON:
        """The schema of an argument: in line when small, else a reference into `defs`. `name` is the document's."""
        uses = self._uses(schema)
        if self._reads_well_in_line(schema, uses):
            return self._convert(schema, frozenset())
        nullable = bool(schema.get("nullable"))
        bare = {key: value for key, value in schema.items() if key != "nullable"}
        own_name = name_of(schema) or self._free_name(name, bare)
        shared = frozenset(component for component, count in uses.items() if self._worth_sharing(component, count))
        if own_name not in self.defs:
            self.defs[own_name] = {}
            self.defs[own_name] = self._convert(resolve(self.document, bare), shared)
        reference = {"$ref": f"#/$defs/{own_name}"}
        return or_null(reference) if nullable else reference

    def _free_name(self, name: str, schema: JSON) -> str:
        """What a schema without a name of its own is called in `defs`: as its argument, and no other by the same."""
        own_name = wanted = "".join(part.capitalize() for part in name.replace("-", "_").split("_"))
        number = 1
        while self._unnamed.setdefault(own_name, schema) != schema:
            number += 1
            own_name = f"{wanted}{number}"
        return own_name

    def _reads_well_in_line(self, schema: JSON, uses: Counter[str]) -> bool:
        """Small, and not recursive. Components are summed up first; writing some schemas out takes megabytes."""
        if sum(len(json.dumps(wordless(self.components[name]))) for name in uses) > 4 * IN_LINE:
            return False
        if any(name in self._uses(self.components[name]) for name in uses):
            return False
        return len(json.dumps(self._convert(schema, frozenset()))) <= IN_LINE

    def _uses(self, schema: JSON) -> Counter[str]:
        """How often each component is referred to from a schema and everything it reaches."""
        parts = [schema, *(self.components[name] for name in reached(schema, self.components))]
        return Counter(name for part in parts for name in named(part))

    def _worth_sharing(self, name: str, count: int) -> bool:
        """Whether a part of a deep document gets its own entry: to save repeating it, or a screen of nesting."""
        component = self.components[name]
        size = len(json.dumps(wordless(component)))
        return size >= WORTH_NAMING or (count > 1 and (size >= WORTH_SHARING or any(named(component))))

    def _convert(self, schema: JSON, shared: frozenset[str]) -> JSON:
        name = name_of(schema)
        if name is not None and (name in shared or name in self.defs):
            if name not in self.defs:
                self.defs[name] = {}
                self.defs[name] = self._convert(self.components[name], shared)
            reference = {"$ref": f"#/$defs/{name}"}
            return or_null(reference) if schema.get("nullable") else reference
        schema = resolve(self.document, schema)
        branches = schema.get("oneOf", schema.get("anyOf"))
        converted = self._union(branches, shared) if branches else self._single(schema, shared)
        if schema.get("nullable"):
            converted = or_null(converted)
        if schema.get("default") is not None:
            converted["default"] = schema["default"]
        return converted

    def _union(self, branches: list[JSON], shared: frozenset[str]) -> JSON:
        return union([self._convert(branch, shared) for branch in branches])

    def _single(self, schema: JSON, shared: frozenset[str]) -> JSON:
        if schema.get("enum") == [None]:
            return dict(NULL)
        converted: JSON = {}
        kind = schema.get("type", "object" if "properties" in schema else None)
        if kind:
            converted["type"] = kind
        if "enum" in schema:
            converted["enum"] = list(schema["enum"])
        converted |= {keyword: schema[keyword] for keyword in COPIED if keyword in schema}
        for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if schema.get(bound) is True:  # OpenAPI 3.0 marks a bound as exclusive; JSON Schema 2020-12 states it
                converted[bound] = converted.pop(limit)
        if "properties" in schema:
            converted |= self._members(schema, shared)
        elif is_object(schema.get("additionalProperties")):
            converted["additionalProperties"] = self._convert(schema["additionalProperties"], shared)
        if schema.get("items"):
            converted["items"] = self._convert(schema["items"], shared)
        return converted

    def _members(self, schema: JSON, shared: frozenset[str]) -> JSON:
        """The properties of an object. Klaviyo refuses fields it does not know, so others are not allowed.

        Read-only fields may be given as they were read, so that a copy can be changed and sent back; they are never
        required, and the engine leaves them out of the request.
        """
        properties: JSON = schema["properties"]
        members: JSON = {key: self._convert(value, shared) for key, value in properties.items()}
        for key, value in properties.items():
            if resolve(self.document, value).get("readOnly"):
                members[key] = {**members[key], "readOnly": True}
        converted: JSON = {"properties": members}
        required = [
            key
            for key in schema.get("required", [])
            if key in properties and not resolve(self.document, properties[key]).get("readOnly")
        ]
        if required:
            converted["required"] = required
        beyond = schema.get("additionalProperties", False)
        converted["additionalProperties"] = self._convert(beyond, shared) if is_object(beyond) else beyond
        return converted


def union(branches: list[JSON]) -> JSON:
    """One schema for any of several. `anyOf` rather than `oneOf`, because 5 is an integer and a number."""
    distinct: list[JSON] = []
    for branch in branches:
        parts = branch["anyOf"] if list(branch) == ["anyOf"] else [branch]
        distinct += [part for part in parts if part not in distinct]
    distinct = [part for part in distinct if not any(_covers(other, part) for other in distinct if other is not part)]
    if len(distinct) == 1:
        return dict(distinct[0])
    if all(list(part) == ["type"] for part in distinct):
        kinds = list(dict.fromkeys(kind for part in distinct for kind in types_of(part)))
        if "number" in kinds and "integer" in kinds:
            kinds.remove("integer")
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    return {"anyOf": distinct}


def _covers(wider: JSON, narrower: JSON) -> bool:
    """Whether one object schema has all properties of another, and more, and requires nothing else."""
    properties, inner = wider.get("properties", {}), narrower.get("properties", {})
    others = [{key: value for key, value in schema.items() if key != "properties"} for schema in (wider, narrower)]
    return bool(inner) and others[0] == others[1] and inner.items() <= properties.items() and inner != properties


def or_null(schema: JSON) -> JSON:
    """The same schema, with null allowed too."""
    if not schema:
        return {}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], NULL]} if NULL not in schema["anyOf"] else schema
    if "type" not in schema:
        return {"anyOf": [schema, NULL]} if "enum" not in schema else {**schema, "enum": [*schema["enum"], None]}
    nullable = {**schema, "type": list(dict.fromkeys([*types_of(schema), "null"]))}
    if len(nullable["type"]) == 1:
        nullable["type"] = nullable["type"][0]
    if "enum" in schema and None not in schema["enum"]:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def types_of(schema: JSON) -> list[str]:
    """The `type` keyword as a list."""
    kind: Any = schema.get("type", [])
    return kind if is_list(kind) else [kind]


def other_form(old: JSON, new: JSON) -> bool:
    """Whether `new` says in another way what it allows than `old` does: by type, by several forms, or by a reference.

    An old schema may have more than the new one: a person may add an `anyOf` to an object to say which fields it needs.
    """
    stated = next((keyword for keyword in FORMS if keyword in new), None)
    if stated == "type" and "type" in old:
        before, after = ({"number" if kind == "integer" else kind for kind in types_of(each)} for each in (old, new))
        return not (before - {"null"}) & (after - {"null"})
    return stated is not None and stated not in old and any(keyword in old for keyword in FORMS)


def wordless(schema: Any) -> Any:
    """A schema without descriptions and examples: to measure it, or to compare what it allows."""
    if is_object(schema):
        return {
            key: {name: wordless(inner) for name, inner in value.items()}
            if key == "properties" and is_object(value)
            else wordless(value)
            for key, value in schema.items()
            if key not in WORDS
        }
    return [wordless(value) for value in schema] if is_list(schema) else schema
