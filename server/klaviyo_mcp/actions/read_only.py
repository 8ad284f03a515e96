"""Fields that Klaviyo returns and does not take: a record can be read, changed and sent back; they are not sent."""

from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping, objects
from klaviyo_mcp.registry.references import resolved


def without_read_only(arguments: JSON, schema: JSON) -> JSON:
    """A copy of arguments without what their schema marks `readOnly`, at every depth."""
    return mapping(_kept(arguments, [schema], mapping(schema.get("$defs"))))


def _kept(value: Any, schemas: list[JSON], definitions: JSON) -> Any:
    forms = [form for schema in schemas for form in _forms(schema, definitions)]
    if is_list(value):
        items = [form["items"] for form in forms if isinstance(form.get("items"), dict)]
        return [_kept(item, items, definitions) for item in value]
    if not is_object(value):
        return value
    kept: JSON = {}
    for key, inner in value.items():
        found = [form["properties"][key] for form in forms if key in form.get("properties", {})]
        # Of several forms a value may have, one that takes the field is enough to send it.
        if not found or not all(schema.get("readOnly") for schema in found):
            kept[key] = _kept(inner, found, definitions)
    return kept


def _forms(schema: JSON, definitions: JSON) -> list[JSON]:
    """The plain forms that a schema allows: references followed, alternatives taken apart."""
    schema = resolved(schema, definitions)
    branches = objects(schema.get("anyOf") or schema.get("oneOf") or [])
    return [form for branch in branches for form in _forms(branch, definitions)] if branches else [schema]
