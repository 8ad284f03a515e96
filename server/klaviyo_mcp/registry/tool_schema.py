"""An action's input schema as an agent is shown it: small, and in the subset of JSON Schema that every client takes.

The full schema still validates. What is left out here (long enumerations, deep documents) is answered for by errors
that name the nearest right value, and can be looked up.
"""

import json

from klaviyo_mcp.loose_json import JSON, is_object, mapping, objects
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.references import resolved

LONGEST_ENUM = 12
LONGEST_FIELD_ENUM = 6
LARGEST_PROPERTY = 1_200
PLAIN_FORMATS = {"date-time", "date", "email", "uri"}


def listed_schema(spec: ActionSpec) -> JSON:
    """The schema for a tool list: no `$ref`, no long enumeration, no property over LARGEST_PROPERTY characters."""
    definitions = mapping(spec.input_schema.get("$defs"))
    properties = {name: _listed_argument(name, schema, definitions) for name, schema in spec.properties.items()}
    listed: JSON = {"type": "object", "properties": properties}
    if spec.required:
        listed["required"] = spec.required
    listed["additionalProperties"] = False
    return listed


def _listed_argument(name: str, schema: JSON, definitions: JSON) -> JSON:
    """An argument as listed. What every action has alike is told once, in the server's instructions, not 300 times."""
    if name.endswith("_fields") and schema.get("type") == "array":
        names = schema["items"].get("enum", [])
        shown: JSON = {"type": "array", "items": {"type": "string"}}
        if len(names) <= LONGEST_FIELD_ENUM:
            shown["items"]["enum"] = names
        elif "description" in schema and "Fields to return" not in schema["description"]:
            shown["description"] = schema["description"]
        return shown
    if name == "filter" and schema.get("type") == ["string", "array"]:
        return {**schema, "items": {"type": "object"}}
    return _listed(schema, definitions)


def _listed(schema: JSON, definitions: JSON) -> JSON:
    for depth in (3, 2, 1, 0):
        shown = _shallow(schema, definitions, depth)
        if len(json.dumps(shown, ensure_ascii=False)) <= LARGEST_PROPERTY:
            return shown
    return _shallow(schema, definitions, 0)


def _shallow(schema: JSON, definitions: JSON, depth: int) -> JSON:
    """A copy in which objects deeper than `depth` are only named, and long enumerations only counted."""
    schema = resolved(schema, definitions)
    shown: JSON = {}
    for key, value in schema.items():
        if key in ("properties", "items", "anyOf", "oneOf", "allOf", "required", "additionalProperties") and depth == 0:
            continue
        match key:
            case "enum" if len(value) > LONGEST_ENUM:
                continue
            case "format" if value not in PLAIN_FORMATS:
                continue
            case "properties":
                shown[key] = {name: _shallow(inner, definitions, depth - 1) for name, inner in value.items()}
            case "items":
                shown[key] = _shallow(value, definitions, depth if _is_flat(value) else depth - 1)
            case "anyOf" | "oneOf" | "allOf":
                shown[key] = [_shallow(inner, definitions, depth) for inner in value]
            case "$defs" | "$comment":
                continue
            case _:
                shown[key] = value
    if depth == 0 and _is_deep(schema):
        shown["type"] = schema.get("type", "object")
        words = [str(schema["description"])] if "description" in schema else []
        if names := _names(schema, definitions):
            words.append(f"Keys: {', '.join(names)}.")
        if words:
            shown["description"] = " ".join(words)
    return shown


def _is_flat(schema: JSON) -> bool:
    return not ({"properties", "items", "anyOf", "oneOf", "$ref"} & schema.keys())


def _is_deep(schema: JSON) -> bool:
    return bool({"properties", "anyOf", "oneOf", "allOf"} & schema.keys()) or not _is_flat(schema.get("items", {}))


def _names(schema: JSON, definitions: JSON) -> list[str]:
    """The keys of an object schema, those of all its branches or of its items, the required ones first."""
    schema = resolved(schema, definitions)
    if "properties" in schema:
        required = schema.get("required", [])
        return [*required, *(name for name in schema["properties"] if name not in required)][:20]
    if is_object(schema.get("items")):
        return _names(schema["items"], definitions)
    branches = objects(schema.get("anyOf") or schema.get("oneOf"))
    return list(dict.fromkeys(name for branch in branches for name in _names(branch, definitions)))[:20]
