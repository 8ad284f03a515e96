"""What null means in an action's schema: for a property that may be absent it says no more than absence does.

Klaviyo's document calls nearly every attribute nullable. Which of them null empties is what `clearing` derives `clear`
from; an agent never sends null, and so is never told that it could.
"""

from collections.abc import Collection
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_object, items, mapping, objects
from klaviyo_mcp.registry.references import resolved


def takes_null(schema: JSON, definitions: JSON) -> bool:
    """Whether null is a value of a schema, in any of its forms."""
    schema = resolved(schema, definitions)
    kinds = schema.get("type")
    if kinds == "null" or "null" in items(kinds):
        return True
    if kinds is None and None in items(schema.get("enum")):
        return True
    return any(takes_null(branch, definitions) for branch in _branches(schema))


def without_null(schema: Any, kept: Collection[str] = ()) -> Any:
    """A copy in which no property takes null that may be absent, but for those named in `kept`, whose null counts.

    A required property keeps it: there null is the only way to say that there is none.
    """
    if not is_object(schema):
        return schema
    found = {key: _inside(key, part, kept) for key, part in schema.items()}
    if is_object(properties := found.get("properties")):
        stays = {*items(schema.get("required")), *kept}
        found["properties"] = {
            name: part if name in stays or not is_object(part) else _not_null(part) for name, part in properties.items()
        }
    return found


def _inside(keyword: str, part: Any, kept: Collection[str]) -> Any:
    """The part of a schema that stands at a keyword, with the schemas in it."""
    match keyword:
        case "properties" | "$defs":
            return {name: without_null(inner, kept) for name, inner in mapping(part).items()}
        case "anyOf" | "oneOf" | "allOf":
            return [without_null(inner, kept) for inner in items(part)]
        case "items" | "additionalProperties":
            return without_null(part, kept)
        case _:
            return part


def _not_null(schema: JSON) -> JSON:
    """A schema without null among its types, values and forms; one that takes nothing else stays as it is."""
    kinds = [kind for kind in items(schema.get("type")) if kind != "null"]
    found = dict(schema)
    if kinds:
        found["type"] = kinds[0] if len(kinds) == 1 else kinds
    if None in items(found.get("enum")):
        found["enum"] = [value for value in found["enum"] if value is not None]
    for form in ("anyOf", "oneOf"):
        branches = [branch for branch in items(found.get(form)) if mapping(branch).get("type") != "null"]
        if len(branches) == 1:
            del found[form]
            found = {**branches[0], **found}
        elif branches:
            found[form] = branches
    return found


def _branches(schema: JSON) -> list[JSON]:
    return objects(schema.get("anyOf") or schema.get("oneOf") or [])
