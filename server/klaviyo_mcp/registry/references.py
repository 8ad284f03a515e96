"""References inside an input schema: deep documents keep their parts under `$defs` and point at them by name."""

from typing import cast

from klaviyo_mcp.loose_json import JSON


def resolved(schema: JSON, definitions: JSON) -> JSON:
    """The schema behind a `$ref`; keys beside the reference, such as a description, win."""
    if "$ref" not in schema:
        return schema
    target = cast(JSON, definitions[str(schema["$ref"]).rsplit("/", 1)[-1]])
    return {**resolved(target, definitions), **{key: value for key, value in schema.items() if key != "$ref"}}
