"""References inside schemas: a spec's deep documents under `$defs`, an OpenAPI document's under `components/schemas`.

Every `$ref` is followed here. `definitions` are the schemas that references can name.
"""

from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object


def name_of(schema: JSON) -> str | None:
    """The definition that the `$ref` of a schema names, or None when it has none."""
    reference = schema.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else None


def resolved(schema: JSON, definitions: JSON) -> JSON:
    """The schema behind a `$ref`; keys beside the reference, such as a description, win."""
    name = name_of(schema)
    if name is None:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**resolved(definitions[name], definitions), **beside}


def named(schema: Any) -> Iterator[str]:
    """The definitions that a schema names at any depth of its own, as often as it does."""
    if is_object(schema):
        if name := name_of(schema):
            yield name
        for value in schema.values():
            yield from named(value)
    elif is_list(schema):
        for value in schema:
            yield from named(value)


def reached(schema: Any, definitions: JSON) -> list[str]:
    """The definitions that a schema needs, itself or through others: each once, in the order they are met."""
    found: dict[str, None] = {}
    left = [schema]
    while left:
        for name in named(left.pop()):
            if name not in found:
                found[name] = None
                left.append(definitions[name])
    return list(found)
