"""Where a dotted path leads in an input schema."""

from typing import Any

from klaviyo_mcp.loose_json import JSON, items, mapping
from klaviyo_mcp.registry.references import resolved


def has_path(schema: JSON, path: str, root: JSON, *, through_lists: bool = False) -> bool:
    """Whether the values that `schema` describes can have something at `path`; `root` has the `$defs`."""
    found = [schema]
    for part in path.split("."):
        found = [inner for one in found for inner in _inside(one, part, root, through_lists)]
    return bool(found)


def _inside(schema: JSON, part: str, root: JSON, through_lists: bool) -> list[JSON]:
    schema = resolved(schema, mapping(root.get("$defs")))
    if through_lists and part.isdecimal() and "items" in schema:
        return [mapping(schema["items"])]
    if through_lists and "items" in schema:
        return _inside(mapping(schema["items"]), part, root, through_lists)
    properties = mapping(schema.get("properties"))
    if part in properties:
        return [mapping(properties[part])]
    branches: list[Any] = [*items(schema.get("anyOf")), *items(schema.get("oneOf"))] if through_lists else []
    return [inner for branch in branches for inner in _inside(mapping(branch), part, root, through_lists)]
